//! Every source of flags stays in force beside the checker's.

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

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
    Environment(String, String),
    Configuration(String),
    /// A file of configuration in the folder above the one where cargo runs.
    Above(String),
    /// Cargo's own, for all of the user's projects.
    Home(String),
    /// An argument of cargo's.
    Argument(String),
}

use Source::{Above, Argument, Configuration, Environment, Home};

/// Checks with one source, in a folder of its own for the configuration.
fn check(name: &str, source: &Source, targets: &str) -> Command {
    let manifest = FLAGS.path().join("Cargo.toml");
    let config = match source {
        Argument(value) => format!("--config {value}"),
        _ => String::new(),
    };
    let mut command = FLAGS.command(&format!("check -- {targets} {config} --manifest-path"));
    command.arg(manifest);
    match source {
        Environment(variable, value) => {
            command.env(variable, value);
        }
        Configuration(text) => {
            FLAGS.write(&format!("{name}/.cargo/config.toml"), text);
            command.current_dir(FLAGS.path().join(name));
        }
        Above(text) => {
            FLAGS.write(&format!("{name}/.cargo/config.toml"), text);
            FLAGS.write(&format!("{name}/below/file"), "");
            command.current_dir(FLAGS.path().join(name).join("below"));
        }
        Home(text) => {
            command.env("CARGO_HOME", home(name, text));
        }
        Argument(_) => {}
    }
    command
}

/// A home of cargo's with that configuration, and all else as in the real one.
fn home(name: &str, configuration: &str) -> PathBuf {
    let real = env::var_os("CARGO_HOME").map(PathBuf::from);
    let real = real.unwrap_or_else(|| env::home_dir().unwrap().join(".cargo"));
    let own = ["config", "config.toml"].map(|name| fs::read_to_string(real.join(name)));
    let own = own.into_iter().find_map(Result::ok).unwrap_or_default();
    FLAGS.write(&format!("{name}/home/config.toml"), &format!("{own}\n{configuration}"));
    let home = FLAGS.path().join(name).join("home");
    for folder in ["bin", "git", "registry"] {
        let there = real.join(folder);
        if there.exists() && !home.join(folder).exists() {
            symlink(there, home.join(folder)).unwrap();
        }
    }
    home
}

/// `CARGO_TARGET_<TRIPLE>_…`.
fn target_variable(flags: &str) -> String {
    let triple = host().to_uppercase().replace(['-', '.'], "_");
    format!("CARGO_TARGET_{triple}_{flags}")
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
    let table = |head: &str| format!("[{head}]\nrustflags = [\"--cfg\", \"extra\"]\n");
    let list = "build.rustflags=[\"--cfg\",\"extra\"]";
    let sources = [
        Environment("CARGO_ENCODED_RUSTFLAGS".to_owned(), plain.replace(' ', "\u{1f}")),
        Environment("RUSTFLAGS".to_owned(), plain.clone()),
        Environment("CARGO_BUILD_RUSTFLAGS".to_owned(), plain.clone()),
        Environment(target_variable("RUSTFLAGS"), plain),
        Configuration(table("build")),
        Configuration(table(&format!("target.{}", host()))),
        Configuration(table("target.'cfg(unix)'")),
        Above(table("build")),
        Home(table("build")),
        Argument(list.to_owned()),
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
    let table = |head: &str| format!("[{head}]\nrustdocflags = [\"--cfg\", \"extra_doc\"]\n");
    let list = "build.rustdocflags=[\"--cfg\",\"extra_doc\"]";
    let sources = [
        Environment("CARGO_ENCODED_RUSTDOCFLAGS".to_owned(), plain.replace(' ', "\u{1f}")),
        Environment("RUSTDOCFLAGS".to_owned(), plain.clone()),
        Environment("CARGO_BUILD_RUSTDOCFLAGS".to_owned(), plain.clone()),
        Environment(target_variable("RUSTDOCFLAGS"), plain),
        Configuration(table("build")),
        Configuration(table(&format!("target.{}", host()))),
        Above(table("build")),
        Home(table("build")),
        Argument(list.to_owned()),
    ];
    for (at, source) in sources.iter().enumerate() {
        let ended = run(&mut check(&format!("rustdoc-{at}"), source, "--doc")).expect(0);
        assert!(ended.stdout.contains("1 passed"), "{source:?}: {ended:?}");
    }
    run(&mut check("rustdoc-none", &Configuration(String::new()), "--doc")).expect(1);
}
