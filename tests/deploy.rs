//! Checks what `deploy/` ships with the tools that will read it. Never starts a service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BINARY_IN_UNIT: &str = "/usr/bin/fristd";
const EXPOSURE_MAX_TENTHS: u32 = 20; // 2.0 of 10 in `systemd-analyze security`; an unhardened service has 9.6

#[test]
fn service_unit_is_accepted_by_systemd() {
    // The binary is not installed where tests run, so a copy of the unit names the one that was built.
    let unit = fs::read_to_string(deploy().join("fristd.service")).unwrap();
    assert!(unit.contains(&format!("ExecStart={BINARY_IN_UNIT} run ")));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("fristd.service");
    let installed = unit.replace(&format!("={BINARY_IN_UNIT} "), &format!("={} ", env!("CARGO_BIN_EXE_fristd")));
    fs::write(&copy, installed).unwrap();

    let output = systemd_analyze(&["verify", "--man=no", "--recursive-errors=no"], &copy);
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints: Vec<&str> = said.lines().filter(|line| line.contains("fristd")).collect();
    assert!(output.status.success() && complaints.is_empty(), "systemd-analyze verify: {said}");
}

#[test]
fn service_unit_exposes_little() {
    let threshold = format!("--threshold={EXPOSURE_MAX_TENTHS}");
    let arguments = ["security", "--offline=true", "--no-pager", &threshold];
    let output = systemd_analyze(&arguments, &deploy().join("fristd.service"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("Overall exposure level for fristd.service"), "{said}");
    let complaints = String::from_utf8_lossy(&output.stderr); // for example a directive that systemd does not know
    assert!(output.status.success() && complaints.is_empty(), "systemd-analyze security: {complaints}{said}");
}

#[test]
fn unit_and_container_agree_on_binary_settings_and_state() {
    let unit = fs::read_to_string(deploy().join("fristd.service")).unwrap();
    let container = fs::read_to_string(deploy().join("Containerfile")).unwrap();
    for (file, text, expected) in [
        ("fristd.service", &unit, "ExecStart=/usr/bin/fristd run --config /etc/fristd/fristd.toml"),
        ("fristd.service", &unit, "StateDirectory=fristd"),
        ("Containerfile", &container, r#"ENTRYPOINT ["/usr/bin/fristd"]"#),
        ("Containerfile", &container, r#"CMD ["run", "--config", "/etc/fristd/fristd.toml"]"#),
        ("Containerfile", &container, "VOLUME /var/lib/fristd"),
    ] {
        assert!(text.lines().any(|line| line == expected), "deploy/{file} has no line {expected}");
    }
}

fn systemd_analyze(arguments: &[&str], unit: &Path) -> Output {
    let output = Command::new("systemd-analyze").args(arguments).arg(unit).env("LC_ALL", "C").output();
    output.expect(
        "this test needs systemd-analyze, Debian's package systemd; run tests/run, which installs what is missing",
    )
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}
