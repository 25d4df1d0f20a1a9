//! The page brings along exactly what its policy lets run.

use super::{OPENAPI, PAGE, PAGE_POLICY};

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain(&[0, 0]).take(3).fold(0u32, |w, b| w << 8 | u32::from(*b));
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = (word >> (18 - 6 * digit)) & 63;
                out.push(char::from(DIGITS[usize::try_from(index).unwrap()]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

fn inside<'t>(text: &'t str, open: &str, close: &str) -> &'t str {
    assert_eq!(text.matches(open).count(), 1, "one {open}");
    text.split_once(open).unwrap().1.split_once(close).unwrap().0
}

#[test]
fn the_pages_policy_allows_its_own_style_and_script_and_nothing_else() {
    for (kind, open, close) in
        [("style-src", "<style>", "</style>"), ("script-src", "<script>", "</script>")]
    {
        let hash = base64(&hmac_sha256::Hash::hash(inside(PAGE, open, close).as_bytes()));
        assert!(
            PAGE_POLICY.contains(&format!("{kind} 'sha256-{hash}';")),
            "the page has changed; its policy needs {kind} 'sha256-{hash}'"
        );
    }
    for forbidden in
        ["style=\"", " onclick", " onload", "src=\"http", "href=\"http", "@import", "url("]
    {
        assert!(!PAGE.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn the_openapi_document_resolves_all_its_references() {
    fn walk(value: &serde_json::Value, document: &serde_json::Value) {
        match value {
            serde_json::Value::Object(object) => {
                if let Some(target) = object.get("$ref").and_then(|target| target.as_str()) {
                    let pointer = target.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
                object.values().for_each(|value| walk(value, document));
            }
            serde_json::Value::Array(array) => array.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    let document = serde_json::from_str(OPENAPI).unwrap();
    walk(&document, &document);
}

#[test]
fn the_openapi_document_lists_every_code() {
    let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
    let listed = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let mut listed: Vec<_> =
        listed.as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let mut known: Vec<_> = crate::problem::Code::ALL.iter().map(|code| code.as_str()).collect();
    listed.sort_unstable();
    known.sort_unstable();
    assert_eq!(listed, known);
}
