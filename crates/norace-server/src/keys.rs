//! Who may call: bearer keys (RFC 6750), each with a name and a scope.
//!
//! A key is a secret of the caller's, known here by its SHA-256 alone. That is enough where keys are long and random,
//! as they have to be: nobody finds one by trying, and a table that is read by others gives none away. For the same
//! reason looking one up may take a time that depends on the hash.
//!
//! Without any key everybody is one anonymous caller who may do everything, and the server listens on loopback
//! addresses only.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use norace_engine::Id;
use norace_prim::sync::Arc;
use serde::Deserialize;

use crate::problem::{Code, Member, Problem};

/// The most keys there are.
const KEYS_MAX: usize = 4096;

/// What a key lets its holder do; each includes the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Reads, events and metrics.
    Read,
    /// Commands.
    Write,
    /// Changes of the settings.
    Admin,
}

impl Scope {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// The keys that are known. Clones are cheap.
///
/// In files it is a table of names, each with its scope and one or more hashes: two while one key takes another one's
/// place.
///
/// ```toml
/// [keys.shop]
/// scope = "write"
/// sha256 = ["3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30"] # of `reader`, which is no good key
/// ```
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, Entry>")]
pub struct Keys(Arc<HashMap<[u8; 32], Caller>>);

/// A name with its keys, as files have it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    scope: Scope,
    sha256: Vec<String>,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// None without keys.
    name: Option<Arc<str>>,
    scope: Scope,
}

impl Caller {
    /// The name that idempotency keys belong to.
    pub(crate) fn name(&self) -> &str {
        self.key().map_or("", |name| name)
    }

    /// The name of its key; none where there are no keys.
    pub(crate) fn key(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// Refuses what takes `scope` where its own does not reach so far.
    pub(crate) fn may(&self, scope: Scope) -> Result<(), Problem> {
        if self.scope < scope {
            let detail = format!("this takes a key with the scope {}", scope.as_str());
            return Err(Problem::new(Code::Forbidden, detail).with(Member::Scope(scope.as_str())));
        }
        Ok(())
    }
}

impl Keys {
    /// True when there are none, so that everybody may do everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says who sends a request with these headers.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        if self.is_empty() {
            return Ok(Caller { name: None, scope: Scope::Admin });
        }
        let refused = |detail| Err(Problem::new(Code::Unauthorized, detail));
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return refused("this takes one header `Authorization: Bearer KEY`");
        };
        let key = value.to_str().ok().and_then(bearer);
        let caller = key.and_then(|key| self.0.get(&hmac_sha256::Hash::hash(key.as_bytes())));
        caller.cloned().map_or_else(|| refused("this is no key that is known here"), Ok)
    }
}

/// The key in `Bearer KEY`.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim_start())
}

impl TryFrom<BTreeMap<String, Entry>> for Keys {
    type Error = String;

    fn try_from(entries: BTreeMap<String, Entry>) -> Result<Self, String> {
        let mut known = HashMap::new();
        for (name, Entry { scope, sha256 }) in entries {
            Id::new(&name).map_err(|error| format!("the name `{name}`: {error}"))?;
            if sha256.is_empty() {
                return Err(format!("`{name}` has no hash"));
            }
            for text in sha256 {
                let Some(hash) = hash(&text) else {
                    return Err(format!("`{name}`: a SHA-256 is 64 hexadecimal digits"));
                };
                let caller = Caller { name: Some(Arc::from(&*name)), scope };
                if let Some(other) = known.insert(hash, caller) {
                    return Err(format!("`{name}` and `{}` have the same key", other.name()));
                }
            }
        }
        if known.len() > KEYS_MAX {
            return Err(format!("{} keys where {KEYS_MAX} are taken at most", known.len()));
        }
        Ok(Self(Arc::new(known)))
    }
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut hash = [0; 32];
    if text.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Scope};
    use crate::problem::Code;
    use hyper::HeaderMap;
    use hyper::header::{AUTHORIZATION, HeaderValue};

    /// The keys of `printf %s reader | sha256sum`, and so on.
    const READER: &str = "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30";

    fn keys(text: serde_json::Value) -> Result<Keys, String> {
        serde_json::from_value(text).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn admitted(keys: &Keys, headers: &[&str], scope: Scope) -> Result<String, Code> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        }
        let caller = keys.identify(&map).and_then(|caller| caller.may(scope).map(|()| caller));
        caller.map(|caller| caller.name().to_owned()).map_err(|problem| problem.code)
    }

    #[test]
    fn without_keys_everybody_may_do_everything() {
        let keys = Keys::default();
        assert_eq!(admitted(&keys, &[], Scope::Admin), Ok(String::new()));
        assert_eq!(admitted(&keys, &["Bearer x"], Scope::Admin), Ok(String::new()));
    }

    #[test]
    fn a_known_key_is_admitted_up_to_its_scope() {
        let one = serde_json::json!({"shop": {"scope": "write", "sha256": [READER]}});
        let keys = keys(one).unwrap();
        for header in ["Bearer reader", "bearer reader", "BEARER  reader"] {
            assert_eq!(admitted(&keys, &[header], Scope::Read), Ok("shop".to_owned()));
            assert_eq!(admitted(&keys, &[header], Scope::Write), Ok("shop".to_owned()));
            assert_eq!(admitted(&keys, &[header], Scope::Admin), Err(Code::Forbidden));
        }
        let twice = ["Bearer reader", "Bearer reader"];
        assert_eq!(admitted(&keys, &twice, Scope::Read), Err(Code::Unauthorized));
        for header in ["Bearer", "Bearer ", "reader", "Basic reader", "Bearer Reader", READER] {
            let refused = admitted(&keys, &[header], Scope::Read);
            assert_eq!(refused, Err(Code::Unauthorized), "{header}");
        }
        assert_eq!(admitted(&keys, &[], Scope::Read), Err(Code::Unauthorized));
    }

    #[test]
    fn a_table_with_a_mistake_is_no_table() {
        let other = READER.replace('3', "4");
        let both = serde_json::json!({"shop": {"scope": "admin", "sha256": [READER, other]}});
        assert!(!keys(both).unwrap().is_empty());
        for (table, complaint) in [
            (serde_json::json!({"a b": {"scope": "read", "sha256": [READER]}}), "the name `a b`"),
            (serde_json::json!({"a": {"scope": "read", "sha256": []}}), "`a` has no hash"),
            (serde_json::json!({"a": {"scope": "read", "sha256": ["reader"]}}), "64 hexadecimal"),
            (serde_json::json!({"a": {"scope": "all", "sha256": [READER]}}), "unknown variant"),
            (serde_json::json!({"a": {"sha256": [READER]}}), "missing field"),
            (
                serde_json::json!({
                    "a": {"scope": "read", "sha256": [READER]},
                    "b": {"scope": "read", "sha256": [READER.to_uppercase()]},
                }),
                "`b` and `a` have the same key",
            ),
        ] {
            let error = keys(table).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
