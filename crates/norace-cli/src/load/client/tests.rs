//! URLs and patience; the connection itself is tested against the real server in `tests/it`.

use super::*;
use crate::exit_code::ExitCode;

#[test]
fn a_url_names_a_host_and_perhaps_a_port() {
    let target = Target::from_url("http://127.0.0.1:8080").unwrap();
    assert_eq!(target.address().to_string(), "127.0.0.1:8080");
    assert_eq!(target.host, "127.0.0.1:8080");
    assert_eq!(Target::from_url("http://[::1]:9/").unwrap().address().to_string(), "[::1]:9");
    assert_eq!(Target::from_url("http://127.0.0.1").unwrap().address().port(), 80);
}

#[test]
fn a_url_the_client_cannot_serve_is_wrong_usage() {
    for url in [
        "",
        "127.0.0.1:8080",
        "https://127.0.0.1",
        "ftp://127.0.0.1",
        "http://h/v1",
        "http://h/?q",
        "http://user@h/",
        "http://a b/",
    ] {
        assert_eq!(Target::from_url(url).unwrap_err().code(), ExitCode::Usage, "{url}");
    }
}

#[test]
fn patience_backs_off_and_ends() {
    let start = Instant::now();
    let mut patience = Patience::long();
    let mut now = start;
    let mut longest = Duration::ZERO;
    let mut tries = 0;
    while let Some(pause) = patience.pause(now, None) {
        assert!(pause <= Patience::PAUSE_MAX, "{pause:?}");
        longest = longest.max(pause);
        now += pause;
        tries += 1;
    }
    assert!(longest >= Patience::PAUSE_MAX / 2, "{longest:?}");
    let spent = now.duration_since(start);
    assert!(spent > Patience::TIME_MAX && spent <= Patience::TIME_MAX + Patience::PAUSE_MAX);
    assert!((30..=80).contains(&tries), "{tries}");
}

#[test]
fn a_servers_wish_lengthens_the_pause_up_to_the_bound() {
    let now = Instant::now();
    let pause = Patience::long().pause(now, Some(Duration::from_millis(200))).unwrap();
    assert!(pause >= Duration::from_millis(100) && pause <= Duration::from_millis(200));
    let pause = Patience::long().pause(now, Some(Duration::from_secs(3_600))).unwrap();
    assert!(pause <= Patience::PAUSE_MAX);
}

#[test]
fn no_patience_is_no_second_try() {
    assert_eq!(Patience::none().pause(Instant::now(), None), None);
}
