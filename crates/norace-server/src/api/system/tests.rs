//! The page brings along exactly what its policy lets run.

use super::{OPENAPI, PAGE, PAGE_POLICY};

/// SHA-256 (FIPS 180-4), here only to check the two hashes of the policy.
fn sha256(message: &[u8]) -> [u8; 32] {
    let primes = || (2u64..).filter(|n| (2..*n).all(|d| n % d != 0));
    // The first 32 bits of the fractional parts of roots of the first primes.
    let fraction = |root: f64| (root.fract() * 4_294_967_296.0) as u32;
    let mut state: Vec<u32> = primes().take(8).map(|p| fraction((p as f64).sqrt())).collect();
    let constants: Vec<u32> = primes().take(64).map(|p| fraction((p as f64).cbrt())).collect();
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
    padded.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut w: Vec<u32> =
            block.chunks_exact(4).map(|b| u32::from_be_bytes(b.try_into().unwrap())).collect();
        for t in 16..64 {
            let s0 = w[t - 15].rotate_right(7) ^ w[t - 15].rotate_right(18) ^ (w[t - 15] >> 3);
            let s1 = w[t - 2].rotate_right(17) ^ w[t - 2].rotate_right(19) ^ (w[t - 2] >> 10);
            w.push(s1.wrapping_add(w[t - 7]).wrapping_add(s0).wrapping_add(w[t - 16]));
        }
        let mut v = state.clone();
        for (k, w) in constants.iter().zip(w) {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let t1 = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(*k).wrapping_add(w);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(t1);
            v[0] = t1.wrapping_add(s0).wrapping_add(majority);
        }
        for (word, v) in state.iter_mut().zip(v) {
            *word = word.wrapping_add(v);
        }
    }
    let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.try_into().unwrap()
}

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
fn the_hash_function_is_sha_256() {
    assert_eq!(base64(&sha256(b"abc")), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

#[test]
fn the_pages_policy_allows_its_own_style_and_script_and_nothing_else() {
    for (kind, open, close) in
        [("style-src", "<style>", "</style>"), ("script-src", "<script>", "</script>")]
    {
        let hash = base64(&sha256(inside(PAGE, open, close).as_bytes()));
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
