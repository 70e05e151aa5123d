//! How the daemon starts, what it tells systemd, and what it refuses to start with: a sentence, an exit code, no damage.

mod support;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use support::site::Site;

#[test]
fn systemd_is_told_of_readiness_of_life_and_of_the_end() {
    const PATIENCE: Duration = Duration::from_secs(30); // only a failing test waits so long
    let mut site = Site::small("2026-12-01 08:00:00");
    let path = site.path("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket in the temporary folder");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    site.set_variable("NOTIFY_SOCKET", path.to_str().expect("a path in UTF-8"));
    site.set_variable("WATCHDOG_USEC", "600000");
    let told = |wanted: &str| {
        let mut buffer = [0; 4096];
        loop {
            let length =
                socket.recv(&mut buffer).unwrap_or_else(|error| panic!("systemd was never told {wanted}: {error}"));
            let message = String::from_utf8_lossy(&buffer[..length]);
            if message.lines().any(|line| line == wanted) {
                return;
            }
        }
    };
    let daemon = site.run();
    told("READY=1");
    for _ in 0..5 {
        told("WATCHDOG=1");
    }
    daemon.signal("TERM");
    told("STOPPING=1");
    daemon.stop();
}

#[test]
fn interrupt_stops_it_as_terminate_does() {
    let site = Site::small("2026-12-01 08:00:00");
    let daemon = site.run().ready();
    daemon.signal("INT");
    assert_eq!(daemon.end().0, Some(0));
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let site = Site::small("2026-12-01 09:00:00");
    let mut daemon = site.run();
    daemon.delivered();
    daemon.stop();
    site.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', TRUE, x'00', 1)",
    );
    let before = site.query("SELECT id, attempts FROM notices ORDER BY id");
    let (code, words) = site.run().end();
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("was made by a newer fristd (it has migration 9999)"), "{words}");
    let output = site.command(&["outbox", "list"]).output().expect("the built binary starts");
    assert_eq!(output.status.code(), Some(1), "commands refuse it too");
    assert_eq!(site.query("SELECT id, attempts FROM notices ORDER BY id"), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    const GARBAGE: &str = "Sehr geehrte Damen und Herren, dies ist keine Datenbank, sondern ein Brief.\n";
    let site = Site::small("2026-12-01 09:00:00");
    fs::create_dir(site.path("data")).expect("a data folder");
    fs::write(site.database(), GARBAGE.repeat(100)).expect("a file");
    let (code, words) = site.run().end();
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.contains("fristd.sqlite: cannot be opened") && words.contains("is it a SQLite file of fristd"),
        "{words}"
    );
    assert_eq!(fs::read_to_string(site.database()).expect("still the file"), GARBAGE.repeat(100));
}

#[test]
fn a_data_folder_that_cannot_be_written_is_refused_with_its_path() {
    // a file in its place holds root off as well, whom permissions do not
    let site = Site::small("2026-12-01 09:00:00");
    fs::write(site.path("data"), "no folder").expect("a file");
    let (code, words) = site.run().end();
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("/data: cannot be used") && words.contains("`data` in fristd.toml"), "{words}");
}

#[test]
fn settings_with_faults_are_refused_at_the_start_with_all_complaints() {
    let mut site = Site::small("2026-12-01 09:00:00");
    site.append("contacts.csv", "abh-nirgends,post@nirgends.example,Post,,,\n");
    site.append("cycles.toml", "\n[[cycle]]\nmonth = \"2026-13\"\n");
    site.set("MAIL__HOTS", "relay.example");
    let (code, words) = site.run().end();
    assert_eq!(code, Some(2), "{words}");
    for part in ["abh-nirgends", "2026-13", "FRISTD__MAIL__HOTS"] {
        assert!(words.contains(part), "{part} is not named:\n{words}");
    }
    assert!(!site.path("data").exists(), "nothing is written before the settings are right");
}
