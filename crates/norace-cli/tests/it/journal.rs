//! `verify` and `journal dump` on journals good and bad.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::process::{Ended, Folder, Server, binary, norace, wait};
use crate::serve::open_books;

fn verify(data: &str) -> Ended {
    norace(&["verify", "--format", "json", "--data", data])
}

/// A journal with three accounts and `orders` confirmed orders, written over several frames and stopped cleanly.
fn written(folder: &Folder, orders: usize) -> String {
    let data = folder.join("data");
    let mut server = Server::start(&data, &[]);
    let mut http = server.http();
    open_books(&mut http);
    for number in 0..orders {
        let order =
            json!({"id": format!("o{number}"), "payer": "bank", "payee": "shop", "amount": 7});
        assert_eq!(http.post("/v1/orders", &order).unwrap().status, 201);
    }
    server.signal("TERM");
    assert!(server.wait().success());
    data
}

/// The journal's files that hold `mark`, with their contents.
fn files_with(data: &str, mark: &[u8]) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file()).map(|path| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    });
    files.filter(|(_, bytes)| bytes.windows(mark.len()).any(|window| window == mark)).collect()
}

#[test]
fn a_good_journal_verifies_with_its_counts() {
    let folder = Folder::new("verify-good");
    let data = written(&folder, 4);
    let ended = verify(&data);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let report = ended.json();
    assert_eq!((&report["schema"], &report["ok"]), (&json!("norace.verify/1"), &json!(true)));
    assert_eq!((&report["accounts"], &report["orders"]), (&json!(3), &json!(4)));
    assert_eq!((&report["debits"], &report["credits"]), (&json!(28), &json!(28)));
    assert_eq!((&report["open_orders"], &report["bad_frame"]), (&json!(0), &Value::Null));
    assert_eq!(report["violations"], json!([]));
    let human = norace(&["verify", "--data", &data]);
    assert_eq!(human.code, Some(0));
    assert!(human.stdout.contains("debits 0.28 = credits 0.28"), "{human:?}");
}

#[test]
fn a_folder_without_a_journal_is_exit_74() {
    let folder = Folder::new("verify-empty");
    for data in [folder.join("absent"), folder.path().to_str().unwrap().to_owned()] {
        for line in [&["verify", "--data", &data][..], &["journal", "dump", "--data", &data]] {
            let ended = norace(line);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(74), ""), "{line:?}: {ended:?}");
            let expected = format!("cannot read the journal in {data}: ");
            assert!(ended.stderr.contains(&expected), "{ended:?}");
            assert!(ended.stderr.contains("hint: "), "{ended:?}");
        }
    }
    assert!(!folder.path().join("absent").exists(), "the audit writes nothing");
}

#[test]
fn damage_in_the_middle_is_exit_74_and_names_the_place() {
    let folder = Folder::new("verify-damaged");
    let data = written(&folder, 6);
    let mut files = files_with(&data, b"o1");
    let (path, bytes) = files.first_mut().expect("ids stand in the journal as they are");
    let at = bytes.windows(2).position(|window| window == b"o1").unwrap();
    bytes[at] ^= 0x20;
    fs::write(&*path, &*bytes).unwrap();
    let ended = verify(&data);
    assert_eq!(ended.code, Some(74), "{ended:?}");
    let report = ended.json();
    assert_eq!(report["ok"], false, "{report}");
    let name = path.file_name().unwrap().to_str().unwrap();
    let segment = report["bad_frame"]["segment"].as_u64().unwrap();
    assert!(name.ends_with(&format!("{segment:016x}")), "{name}: {report}");
    assert!(report["bad_frame"]["offset"].as_u64().is_some_and(|offset| offset as usize <= at));
    let dumped = norace(&["journal", "dump", "--data", &data]);
    assert_eq!(dumped.code, Some(74), "{dumped:?}");
    assert!(dumped.stdout.lines().count() < 3 + 18, "{dumped:?}");
    let served = norace(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!((served.code, served.stdout.as_str()), (Some(74), ""), "{served:?}");
}

#[test]
fn a_dump_is_one_json_line_for_each_record() {
    let folder = Folder::new("dump");
    let data = written(&folder, 2);
    let ended = norace(&["journal", "dump", "--data", &data]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let lines: Vec<Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (line, sequence) in lines.iter().zip(1..) {
        assert_eq!(
            (&line["schema"], &line["sequence"]),
            (&json!("norace.journal-dump/1"), &json!(sequence))
        );
    }
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    let order = ["create-order", "process", "confirm"];
    assert_eq!(kinds, [&["create-account"; 3][..], &order, &order].concat());
    assert_eq!((&lines[3]["id"], &lines[3]["amount"]), (&json!("o0"), &json!(7)));
    assert_eq!(lines[5]["state_after"], "confirmed");
    assert_eq!(lines.len() as u64, verify(&data).json()["records"].as_u64().unwrap());
}

#[test]
fn a_dump_whose_reader_leaves_ends_silently() {
    let folder = Folder::new("dump-pipe");
    let data = written(&folder, 1);
    let mut child = binary()
        .args(["journal", "dump", "--data", &data])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = wait(child);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}
