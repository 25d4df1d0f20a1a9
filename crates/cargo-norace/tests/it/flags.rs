//! Every source of flags stays in force beside the checker's.

use std::process::Command;
use std::sync::LazyLock;

use crate::project::{CRATES, Project, run};

/// Asks for a flag of its own in its tests, and for another in its documentation's. Its macro and its build script,
/// which uses the facade too, are built with all flags and have to work.
static FLAGS: LazyLock<Project> = LazyLock::new(|| {
    let more = "macros = { path = \"macros\" }\n[build-dependencies]\nnorace-prim = { path = \"";
    let more = format!("{more}{CRATES}/norace-prim\" }}\n");
    let project = Project::new("flags", &["norace-prim"], &more);
    project.write(
        "macros/Cargo.toml",
        "[package]\nname = \"macros\"\nedition = \"2024\"\n[lib]\nproc-macro = true\n",
    );
    project.write(
        "macros/src/lib.rs",
        "#[proc_macro] pub fn yes(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
             \"true\".parse().unwrap()
         }",
    );
    project.write(
        "build.rs",
        "fn main() {
             let lock = norace_prim::sync::Mutex::new(\"cargo::rerun-if-changed=build.rs\");
             println!(\"{}\", lock.lock().unwrap());
         }",
    );
    project.write(
        "src/lib.rs",
        "//! ```\n//! assert!(cfg!(norace) && cfg!(extra_doc));\n//! ```\n\
         #![allow(unexpected_cfgs)]\n\
         #[test] fn flags() { assert!(macros::yes!() && cfg!(norace) && cfg!(extra)); }\n",
    );
    project
});

/// Where a flag may come from.
#[derive(Clone, Debug)]
enum Source {
    Environment(&'static str, String),
    Configuration(String),
}

use Source::{Configuration, Environment};

/// Checks with one source, in a folder of its own for the configuration.
fn check(name: &str, source: &Source, targets: &str) -> Command {
    let manifest = FLAGS.path().join("Cargo.toml");
    let mut command = FLAGS.command(&format!("check -- {targets} --manifest-path"));
    command.arg(manifest);
    match source {
        Environment(variable, value) => {
            command.env(variable, value);
        }
        Configuration(text) => {
            FLAGS.write(&format!("{name}/.cargo/config.toml"), text);
            command.current_dir(FLAGS.path().join(name));
        }
    }
    command
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

#[test]
fn every_source_of_rustflags_stays_in_force() {
    let plain = "--cfg extra".to_owned();
    let table =
        |head: &str| Configuration(format!("[{head}]\nrustflags = [\"--cfg\", \"extra\"]\n"));
    let sources = [
        Environment("CARGO_ENCODED_RUSTFLAGS", plain.replace(' ', "\u{1f}")),
        Environment("RUSTFLAGS", plain.clone()),
        Environment("CARGO_BUILD_RUSTFLAGS", plain),
        table("build"),
        table(&format!("target.{}", host())),
        table("target.'cfg(unix)'"),
    ];
    for (at, source) in sources.iter().enumerate() {
        let ended = run(&mut check(&format!("rustc-{at}"), source, "--lib")).expect(0);
        assert!(ended.stdout.contains("1 passed"), "{source:?}: {ended:?}");
    }
    // Without one the flag is not there.
    run(&mut check("rustc-none", &Configuration(String::new()), "--lib")).expect(1);
}

#[test]
fn every_source_of_rustdocflags_stays_in_force() {
    let plain = "--cfg extra_doc".to_owned();
    let table = |head: &str| {
        Configuration(format!("[{head}]\nrustdocflags = [\"--cfg\", \"extra_doc\"]\n"))
    };
    let sources = [
        Environment("CARGO_ENCODED_RUSTDOCFLAGS", plain.replace(' ', "\u{1f}")),
        Environment("RUSTDOCFLAGS", plain.clone()),
        Environment("CARGO_BUILD_RUSTDOCFLAGS", plain),
        table("build"),
        table(&format!("target.{}", host())),
    ];
    for (at, source) in sources.iter().enumerate() {
        let ended = run(&mut check(&format!("rustdoc-{at}"), source, "--doc")).expect(0);
        assert!(ended.stdout.contains("1 passed"), "{source:?}: {ended:?}");
    }
    run(&mut check("rustdoc-none", &Configuration(String::new()), "--doc")).expect(1);
}
