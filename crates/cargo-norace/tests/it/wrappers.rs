//! Programs in the place of rustc and rustdoc, and folders in the place of the target folder, that users have.

use std::fs;
use std::path::Path;

use crate::project::{Project, TARGET, run};

fn project(name: &str) -> Project {
    let project = Project::new(name, &["norace-prim"], "");
    project.write(
        "src/lib.rs",
        "//! ```\n//! assert!(cfg!(norace));\n//! ```\n#[test] fn checked() { assert!(cfg!(norace)); }\n",
    );
    project
}

/// The text of a script that leaves a mark and goes on.
fn marking(project: &Project, mark: &str, rest: &str) -> String {
    format!("touch '{}/{mark}'\nexec {rest} \"$@\"", project.path().display())
}

fn is_marked(project: &Project, mark: &str) -> bool {
    project.path().join(mark).exists()
}

#[test]
fn wrappers_of_the_environment_are_called_in_turn() {
    let project = project("wrapped");
    let own = |name: &str, rest: &str| {
        project.script(name, &marking(&project, &format!("{name}-called"), rest))
    };
    let mut command = project.command("check");
    command.env("RUSTC_WRAPPER", own("all", ""));
    command.env("RUSTC_WORKSPACE_WRAPPER", own("members", ""));
    command.env("RUSTDOC", own("docs", "rustdoc"));
    let ended = run(&mut command).expect(0);
    assert_eq!(ended.stdout.matches("1 passed").count(), 2, "{ended:?}");
    for mark in ["all-called", "members-called", "docs-called"] {
        assert!(is_marked(&project, mark), "{mark}");
    }
}

#[test]
fn a_wrapper_of_the_configuration_is_passed_over_and_a_build_folder_is_not_used() {
    let project = project("configured");
    let wrapper = project.script("all", &marking(&project, "all-called", ""));
    let config = format!(
        "[build]\nrustc-wrapper = \"{}\"\nbuild-dir = \"elsewhere\"\ntarget-dir = \"ignored\"\n",
        wrapper.display()
    );
    project.write(".cargo/config.toml", &config);
    run(&mut project.command("check -- --lib")).expect(0);
    assert!(!is_marked(&project, "all-called") && !is_marked(&project, "elsewhere"));
    assert!(Path::new(TARGET).join("norace/debug").is_dir() && !is_marked(&project, "ignored"));
}

#[test]
fn a_compiler_that_loses_the_flag_is_noticed() {
    let project = project("lost");
    let rustc = project.script(
        "rustc",
        "for arg; do shift; case $arg in norace) set -- \"$@\" other;; *) set -- \"$@\" \"$arg\";; esac; done\n\
         exec rustc \"$@\"",
    );
    let ended = run(project.command("check -- --lib").env("RUSTC", rustc)).expect(2);
    assert!(
        ended.stderr.contains("`--cfg norace` did not arrive at norace-prim"),
        "{}",
        ended.stderr
    );
}

#[test]
fn everything_goes_to_a_folder_of_its_own_in_the_target_folder() {
    let project = Project::new("beside", &[], "");
    let target = project.path().join("target");
    // It has nothing to check, which is known only after it was built.
    run(project.command("check").env("CARGO_TARGET_DIR", &target)).expect(2);
    let names = fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["CACHEDIR.TAG", "norace"]);
}
