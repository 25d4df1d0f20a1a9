//! The log's parser, and the embedded log against the file it was made from.

use std::{env, fs};

use super::*;

const CSV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/cdnow.csv");
const ZLIB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/cdnow.csv.zlib");

fn fault(line: &str) -> Fault {
    match Log::parse(&format!("{HEADER}\n1,1997-01-01,1,100\n{line}\n")) {
        Err(LogError::Line { line: 3, fault }) => fault,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_embedded_log_is_the_file() {
    let csv = fs::read_to_string(CSV).unwrap();
    if env::var_os("NORACE_UPDATE").is_some() {
        fs::write(ZLIB, miniz_oxide::deflate::compress_to_vec_zlib(csv.as_bytes(), 10)).unwrap();
        return;
    }
    assert!(embedded_csv() == csv, "run the test again with NORACE_UPDATE=1, then without");
}

#[test]
fn the_embedded_log_holds_the_published_counts() {
    let log = embedded();
    assert_eq!(log.rows.len(), 69_659);
    assert_eq!(log.customers.len(), 23_570);
    assert_eq!(log.rows.iter().filter(|row| row.cents == 0).count(), 80);
    assert_eq!(log.rows.iter().map(|row| row.cents).sum::<i64>(), 250_031_563);
}

#[test]
fn customers_are_numbered_by_first_appearance_wherever_their_rows_are() {
    let text = format!("{HEADER}\r\nb,1997-01-01,1,5\r\na,1997-01-02,1,-7\r\nb,1997-12-31,0,0\r\n");
    let log = Log::parse(&text).unwrap();
    assert_eq!(log.customers, [Box::<str>::from("b"), Box::<str>::from("a")]);
    let rows: Vec<_> = log.rows.iter().map(|row| (row.customer, row.cents)).collect();
    assert_eq!(rows, [(0, 5), (1, -7), (0, 0)]);
}

#[test]
fn every_wrong_field_is_named_with_its_line() {
    assert_eq!(fault("1,1997-01-01,1"), Fault::Fields(3));
    assert_eq!(fault("1,1997-01-01,1,100,"), Fault::Fields(5));
    assert_eq!(fault(""), Fault::Fields(1));
    assert_eq!(fault(",1997-01-01,1,100"), Fault::Customer(String::new()));
    assert_eq!(fault("a b,1997-01-01,1,100"), Fault::Customer("a b".into()));
    let long = "x".repeat(CUSTOMER_CHARS_MAX + 1);
    assert_eq!(fault(&format!("{long},1997-01-01,1,100")), Fault::Customer(long));
    for date in [
        "1997-1-01",
        "1997-13-01",
        "1997-00-01",
        "1997-01-32",
        "19970101",
        "1997/01/01",
        "1997-0é-1",
    ] {
        assert_eq!(fault(&format!("1,{date},1,100")), Fault::Date(date.into()));
    }
    assert_eq!(fault("1,1997-01-01,-1,100"), Fault::Cds("-1".into()));
    assert_eq!(fault("1,1997-01-01,1,1.50"), Fault::Cents("1.50".into()));
    assert_eq!(
        fault("1,1997-01-01,1,99999999999999999999").to_string(),
        "cents `99999999999999999999` is not a whole number"
    );
}

#[test]
fn a_text_without_header_or_rows_is_refused() {
    assert_eq!(Log::parse(""), Err(LogError::Header));
    assert_eq!(Log::parse("customer;date\n"), Err(LogError::Header));
    assert_eq!(Log::parse(HEADER), Err(LogError::Empty));
}
