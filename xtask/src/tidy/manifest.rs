//! Who may depend on whom, and on what else: the tables here are the architecture, and each manifest has to fit them.

use super::Finding;

#[cfg(test)]
mod tests;

/// What one crate may depend on.
struct Allowed {
    name: &'static str,
    /// Crates of this workspace.
    own: &'static [&'static str],
    /// Crates of this workspace under the checker's cfg alone.
    own_checked: &'static [&'static str],
    /// Crates of others.
    others: &'static [&'static str],
    /// Crates of any kind in tests.
    in_tests: &'static [&'static str],
}

/// The arrows. `norace-bench` and `norace-suites` stand outside: they use everything.
const CRATES: [Allowed; 13] = [
    Allowed {
        name: "norace-prim",
        own_checked: &["norace-explore"],
        others: &["portable-atomic"],
        ..NOTHING
    },
    Allowed { name: "norace-explore", others: &["corosensei"], ..NOTHING },
    Allowed {
        name: "norace-check",
        own: &["norace-explore"],
        in_tests: &["serde_json"],
        ..NOTHING
    },
    Allowed { name: "norace-macros", ..NOTHING },
    Allowed {
        name: "norace",
        own: &["norace-macros", "norace-prim"],
        own_checked: &["norace-check"],
        others: &[
            "futures-core",
            "futures-sink",
            "http",
            "libc",
            "mio",
            "portable-atomic",
            "redis",
            "tower-layer",
            "tower-service",
            "tracing",
        ],
        ..NOTHING
    },
    Allowed { name: "norace-journal", own: &["norace-prim"], others: &["xxhash-rust"], ..NOTHING },
    Allowed {
        name: "norace-engine",
        own: &["norace", "norace-journal", "norace-prim"],
        in_tests: &["proptest"],
        ..NOTHING
    },
    Allowed {
        name: "norace-server",
        own: &["norace", "norace-engine", "norace-prim"],
        others: &["hmac-sha256", "http-body-util", "hyper", "serde", "serde_json"],
        in_tests: &["norace-journal"],
        ..NOTHING
    },
    Allowed {
        name: "norace-cli",
        own: &["norace", "norace-engine", "norace-journal", "norace-prim", "norace-server"],
        others: &[
            "anstream",
            "anstyle",
            "clap",
            "hdrhistogram",
            "http-body-util",
            "hyper",
            "indicatif",
            "miniz_oxide",
            "serde",
            "serde_json",
            "toml",
        ],
        ..NOTHING
    },
    Allowed { name: "norace-corpus", own: &["norace", "norace-check", "norace-prim"], ..NOTHING },
    Allowed {
        name: "cargo-norace",
        own: &["norace-check"],
        others: &["anstream", "anstyle", "clap", "rustix", "serde", "serde_json", "signal-hook"],
        ..NOTHING
    },
    // Two examples are programs that have a runtime already, one of them a service.
    Allowed {
        name: "examples",
        own: &["norace", "norace-prim"],
        in_tests: &["axum", "tokio"],
        ..NOTHING
    },
    Allowed { name: "xtask", others: &["serde_json"], ..NOTHING },
];

const NOTHING: Allowed =
    Allowed { name: "", own: &[], own_checked: &[], others: &[], in_tests: &[] };

/// Every crate may test itself with the checker.
const TEST_CRATE: &str = "norace-check";

/// A line of one of a manifest's dependency tables.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Dependency {
    name: String,
    line: usize,
    /// Of `[dev-dependencies]`.
    in_tests: bool,
    /// Of `[target.'cfg(norace)'.dependencies]`.
    checked: bool,
    /// Whether a comment stands on the line above, or behind.
    reasoned: bool,
}

/// A `Cargo.toml`, as far as the rules go.
#[derive(Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    dependencies: Vec<Dependency>,
    has_lints: bool,
}

impl Manifest {
    /// Reads the subset of TOML that manifests of this workspace are written in: one dependency, one entry.
    pub(crate) fn parse(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut table = String::new();
        let mut depth = 0_usize;
        let mut before = "";
        for (index, line) in text.lines().enumerate() {
            let entry = line.trim();
            if depth == 0 && entry.starts_with('[') {
                table = entry.trim_matches(['[', ']']).to_owned();
            } else if depth == 0 && !entry.starts_with('#') {
                manifest.read_entry(&table, entry, index + 1, before);
            }
            depth = (depth + count(entry, "[{")).saturating_sub(count(entry, "]}"));
            before = entry;
        }
        manifest
    }

    fn read_entry(&mut self, table: &str, entry: &str, line: usize, before: &str) {
        let Some((key, value)) = entry.split_once('=') else { return };
        let (key, value) = (key.trim(), value.trim());
        if table == "package" && key == "name" {
            value.trim_matches('"').clone_into(&mut self.name);
        }
        self.has_lints |= table == "lints" && key == "workspace" && value == "true";
        let (target, kind) = table.rsplit_once('.').unwrap_or(("", table));
        let in_tests = kind == "dev-dependencies";
        if (in_tests || matches!(kind, "dependencies" | "build-dependencies"))
            && target != "workspace"
        {
            self.dependencies.push(Dependency {
                name: package_name(key, value).to_owned(),
                line,
                in_tests,
                checked: target.contains("cfg(norace)"),
                reasoned: before.starts_with('#') || value.contains(" # "),
            });
        }
    }
}

/// A dependency's own name, which a `package` entry tells when it goes by another here.
fn package_name<'t>(key: &'t str, value: &'t str) -> &'t str {
    let renamed = value.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
    renamed.unwrap_or_else(|| key.split('.').next().unwrap_or(key))
}

fn count(text: &str, marks: &str) -> usize {
    text.chars().take_while(|c| *c != '#').filter(|c| marks.contains(*c)).count()
}

/// The crate depends on what its row of the table names, and on nothing else.
pub(crate) fn arrows(path: &str, manifest: &Manifest, findings: &mut Vec<Finding>) {
    let Some(allowed) = CRATES.iter().find(|allowed| allowed.name == manifest.name) else {
        let what = "give the crate a row in xtask/src/tidy/manifest.rs and ARCHITECTURE.md";
        findings.push(Finding::new(path, 1, "arrows", what));
        return;
    };
    for dependency in &manifest.dependencies {
        if allows(allowed, dependency) {
            continue;
        }
        let name = &dependency.name;
        let what = if is_own(name) {
            format!("{} must not depend on `{name}`: see ARCHITECTURE.md", allowed.name)
        } else {
            format!("do without `{name}`, or argue for it in xtask/src/tidy/manifest.rs")
        };
        findings.push(Finding::new(path, dependency.line, "arrows", what));
    }
}

fn allows(allowed: &Allowed, dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    allowed.own.contains(&name)
        || allowed.others.contains(&name)
        || (dependency.checked && allowed.own_checked.contains(&name))
        || (dependency.in_tests && (name == TEST_CRATE || allowed.in_tests.contains(&name)))
}

fn is_own(name: &str) -> bool {
    CRATES.iter().any(|known| known.name == name)
}

/// Each crate of others has its reason beside it.
pub(crate) fn reasons(path: &str, manifest: &Manifest, findings: &mut Vec<Finding>) {
    let foreign = manifest.dependencies.iter().filter(|dependency| !is_own(&dependency.name));
    for dependency in foreign.filter(|dependency| !dependency.reasoned) {
        let what = format!("say in a comment above what `{}` is needed for", dependency.name);
        findings.push(Finding::new(path, dependency.line, "reason", what));
    }
}

/// The lints of the workspace are those of every crate.
pub(crate) fn lints(path: &str, manifest: &Manifest, findings: &mut Vec<Finding>) {
    if !manifest.has_lints {
        let what = "take the workspace's lints: `[lints]` with `workspace = true`";
        findings.push(Finding::new(path, 1, "lints", what));
    }
}
