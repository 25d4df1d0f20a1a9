//! The page at `/` in a real browser: its figures arrive, its events stream, and nothing is said on its console.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{ChildStdout, Command},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    process::{Background, output, program},
    service::{CALL_MAX, Service, build, expect, norace, parse, post},
};

const ORDERS: u64 = 500;

/// Headless, on this machine alone, and without the browser's own conversations with its maker.
const BROWSER: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// The page asks for its figures once a second.
const PAGE_MAX: Duration = Duration::from_secs(20);

/// What the page shows of its connection and of the orders.
const SCRIPT: &str = "const text = (id) => document.getElementById(id).textContent; \
    return text('link') + ': ' + text('total')";

/// Sends orders to a service and waits until a browser shows them.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    build(root)?;
    let data = std::env::temp_dir().join(format!("norace-ci-page-{}", std::process::id()));
    let service = Service::start(root, &data)?;
    let arguments = format!("load --orders {ORDERS} --url {}", service.url(""));
    let load = norace(root, &arguments, PAGE_MAX)?;
    expect(load["orders"] == ORDERS && load["errors"] == 0, &format!("orders were lost: {load}"))?;
    let accepted = ORDERS - load["rejected"].as_u64().unwrap_or_default();

    let driver = Driver::start(root)?;
    driver.ask("url", &json!({ "url": service.url("/") }))?;
    let wanted = format!("live: {accepted} orders in all");
    let end = Instant::now() + PAGE_MAX;
    loop {
        let shown = driver.ask("execute/sync", &json!({ "script": SCRIPT, "args": [] }))?;
        if shown == wanted.as_str() {
            println!("the page shows: {wanted}");
            break;
        }
        expect(Instant::now() < end, &format!("the page shows {shown}, not {wanted}"))?;
        thread::sleep(Duration::from_millis(200));
    }
    let complaints = driver.ask("se/log", &json!({ "type": "browser" }))?;
    expect(complaints == json!([]), &format!("the browser complains: {complaints}"))?;
    drop(driver);
    service.stop()?;
    fs::remove_dir_all(&data).map_err(|error| format!("cannot remove {}: {error}", data.display()))
}

/// A session of a browser, by the WebDriver protocol; dropping it ends the browser.
struct Driver<'a> {
    root: &'a Path,
    _process: Background,
    /// Held so that the driver never meets a closed pipe.
    _stdout: BufReader<ChildStdout>,
    session: String,
}

impl<'a> Driver<'a> {
    fn start(root: &'a Path) -> Result<Self, String> {
        let mut command: Command = program(root, "chromedriver", "--port=0");
        let (process, mut stdout) = Background::start(&mut command)?;
        let url = format!("http://127.0.0.1:{}/session", read_port(&mut stdout)?);
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": BROWSER },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let answer = post(root, &url, &capabilities.to_string())?;
        let id = answer["value"]["sessionId"].as_str();
        let id = id.ok_or_else(|| format!("no browser session: {answer}"))?;
        let session = format!("{url}/{id}");
        Ok(Self { root, _process: process, _stdout: stdout, session })
    }

    fn ask(&self, command: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}/{command}", self.session);
        post(self.root, &url, &body.to_string()).map(|mut answer| answer["value"].take())
    }
}

impl Drop for Driver<'_> {
    /// The browser cleans up behind itself when it is asked to end.
    fn drop(&mut self) {
        let mut curl = program(self.root, "curl", "--silent --request DELETE");
        let _ended = output(curl.arg(&self.session), CALL_MAX).and_then(|text| parse(&text));
    }
}

/// The port that the driver says it listens on.
fn read_port(stdout: &mut impl BufRead) -> Result<u16, String> {
    for line in stdout.lines().map_while(Result::ok) {
        let port = line.strip_prefix("ChromeDriver was started successfully on port ");
        if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
            return Ok(port);
        }
    }
    Err("chromedriver does not say its port".to_owned())
}
