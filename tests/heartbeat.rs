//! What a monitor hears of the service, and that it can do the service no harm.

mod support;

use support::daemon::{Daemon, STOP_MAX, message_of, with_a_full_disk};
use support::monitor::{Act, Monitor, refusing};
use support::site::Site;

const PATH: &str = "/p/geheim";
const DEAF: &str = "the heartbeat's monitor cannot be told; tried again";
const HEARS_AGAIN: &str = "the heartbeat's monitor answers again";

/// A site whose service tells this monitor, at a quiet time.
fn site_with(url: &str) -> Site {
    let mut site = Site::small("2026-11-25 08:00:00");
    site.set("HEARTBEAT__URL", url);
    site.set("HEARTBEAT__EVERY_SECONDS", "3600");
    site
}

fn count(log: &[serde_json::Value], message: &str) -> usize {
    log.iter().filter(|line| message_of(line) == message).count()
}

#[test]
fn a_good_round_is_told_and_no_more_often_than_settings_say() {
    let monitor = Monitor::start();
    let site = site_with(&monitor.url(PATH));
    let mut daemon = site.run().ready();
    let [call] = &monitor.wait_for(1)[..] else { panic!("{:?}", monitor.calls()) };
    assert_eq!((call.line.as_str(), call.body.as_str()), ("GET /p/geheim", ""));
    assert!(call.headers.iter().any(|header| header.starts_with("user-agent: fristd/")), "{:?}", call.headers);
    daemon.pass_round_after(site.set_clock("2026-11-25 08:59:30"));
    assert_eq!(monitor.calls().len(), 1, "an hour has not passed");
    daemon.pass_round_after(site.set_clock("2026-11-25 09:00:10"));
    assert_eq!(monitor.wait_for(2)[1].line, "GET /p/geheim");
    daemon.stop();
}

#[test]
fn failing_rounds_are_told_at_once_and_so_is_their_end() {
    let monitor = Monitor::start();
    let site = site_with(&monitor.url(PATH));
    let daemon = site.run().ready();
    let before = monitor.wait_for(1).len();
    daemon.stop();
    site.set_clock("2026-12-01 09:00:00");
    let mut daemon = Daemon::spawn(with_a_full_disk(&site.command(&["run", "--log", "json"])));
    let calls = monitor.wait_for(before + 1);
    assert_eq!(calls[before].line, "POST /p/geheim/fail");
    assert_eq!(calls[before].body, "the database cannot be used; tried again with every round\n");
    daemon.wait_for("another try", |line| message_of(line).starts_with("this tick failed"));
    daemon.allow_large_files();
    assert_eq!(monitor.wait_for(before + 2)[before + 1].line, "GET /p/geheim");
    daemon.stop();
}

#[test]
fn a_database_that_cannot_be_opened_is_told_before_the_service_ends() {
    let monitor = Monitor::start();
    let site = site_with(&monitor.url(PATH));
    std::fs::create_dir_all(site.database()).expect("a folder in the database's place");
    let (code, said) = site.run().end();
    assert_eq!(code, Some(1), "{said}");
    let [call] = &monitor.calls()[..] else { panic!("{:?}", monitor.calls()) };
    assert_eq!(call.line, "POST /p/geheim/fail");
    assert_eq!(call.body, "the database cannot be opened; fristd did not start\n");
}

#[test]
fn whatever_a_monitor_does_the_service_goes_on_and_says_it_once() {
    let elsewhere = Monitor::start();
    let check = |label: &str, act: Act, why: &str| {
        let monitor = Monitor::start();
        monitor.then([act.clone(), act]);
        let mut site = site_with(&monitor.url(PATH));
        site.set_variable("FRISTD_LOG", "trace");
        let mut daemon = site.run().ready();
        let line = daemon.wait_for_message(DEAF);
        let cause = line["fields"]["cause"].as_str().unwrap_or_default();
        assert!(cause.contains(why), "{label}: {cause}");
        // each time half a minute later, while rounds go on
        site.set_clock("2026-11-25 08:00:40");
        monitor.wait_for(2);
        site.set_clock("2026-11-25 08:02:00");
        monitor.wait_for(3);
        daemon.wait_for_message(HEARS_AGAIN);
        let log = daemon.stop();
        assert_eq!(count(&log, DEAF), 1, "{label}: said once");
        assert!(!log.iter().any(|line| line.to_string().contains("geheim")), "{label}: the address is a secret");
    };
    check("an error", Act::Say("500 Internal Server Error".to_owned()), "it answered 500");
    check("an unknown address", Act::Say("404 Not Found".to_owned()), "it answered 404");
    let moved = format!("302 Found\r\nLocation: {}", elsewhere.url(PATH));
    check("a way elsewhere", Act::Say(moved), "it answered 302");
    let moved = format!("308 Permanent Redirect\r\nLocation: {}", elsewhere.url(PATH));
    check("a way elsewhere for good", Act::Say(moved), "it answered 308");
    check("a closed connection", Act::Close, "");
    check("nonsense", Act::Say("\u{1b}[2J".to_owned()), "");
    check("headers without an end", Act::Flood, "header");
    check("silence", Act::Hang, "timeout");
    assert_eq!(elsewhere.calls(), [], "nobody else learns the address");
}

#[test]
fn a_monitor_that_hangs_or_is_away_does_not_hold_up_rounds_or_the_stop() {
    let monitor = Monitor::start();
    monitor.then(vec![Act::Hang; 9]);
    for url in [monitor.url(PATH), refusing(PATH)] {
        let site = site_with(&url);
        let mut daemon = site.run().ready();
        daemon.pass_round_after(site.set_clock("2026-12-01 08:59:59"));
        assert_eq!(daemon.delivered()["sent"], support::site::SMALL_ANNOUNCED.len());
        daemon.stop(); // fails if it takes longer than STOP_MAX
    }
    assert_eq!(STOP_MAX.as_secs(), 5, "as long as a call may take; the stop waits for none");
}

#[test]
fn https_is_by_the_systems_certificates_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let monitor = Monitor::start_tls(folder.path());
    let site = site_with(&monitor.url(PATH));
    let run = |ca_file: &std::path::Path| {
        let mut command = site.command(&["run", "--log", "json"]);
        // certificates are valid from now on, by the true clock
        command.env_remove("LD_PRELOAD").env_remove("SSL_CERT_DIR").env("SSL_CERT_FILE", ca_file);
        Daemon::spawn(command).ready()
    };
    let mut daemon = run(&folder.path().join("ca.pem"));
    assert_eq!(monitor.wait_for(1)[0].line, "GET /p/geheim");
    daemon.wait_for_message("round done");
    daemon.stop();
    std::fs::create_dir(folder.path().join("other")).unwrap();
    support::certificates::make_certificates(&folder.path().join("other"));
    let mut daemon = run(&folder.path().join("other/ca.pem"));
    let line = daemon.wait_for_message(DEAF);
    assert!(line["fields"]["cause"].as_str().unwrap_or_default().contains("certificate"), "{line}");
    daemon.stop();
    assert_eq!(monitor.calls().len(), 1, "nothing was said to a monitor that is not trusted");
}

#[test]
fn check_names_the_monitors_host_and_no_more() {
    let site = site_with("https://monitor.example/p/geheim");
    let said = site.done(&["check"]);
    assert!(said.contains("beat:  to https://monitor.example/…, every 3600 s"), "{said}");
    assert!(said.contains("at most 600 a minute and 120 to a domain, 4 at a time; after 5 failures"), "{said}");
    assert!(!said.contains("geheim"), "{said}");
}
