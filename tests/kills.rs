//! Kills the daemon at random instants of a delivery, and the database server under it. Never at a chosen point: that is what
//! tests/fault_points.rs does.
//!
//! The long run: docs/reliability.md says how.

mod support;

use support::crowd::crowd;
use support::ledger::{Toll, judge};
use support::lives::{Deaths, Lives, Random};
use support::postgres::Postgres;
use support::sink::Sink;
use support::site::Site;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

#[test]
fn killed_at_any_instant_one_daemon_on_sqlite_loses_nothing_and_doubles_only_what_was_uncertain() {
    check("one on SQLite", Engine::Sqlite, 1);
}

#[test]
fn killed_at_any_instant_one_daemon_on_postgresql_loses_nothing_and_doubles_only_what_was_uncertain() {
    check("one on PostgreSQL", Engine::Postgres, 1);
}

#[test]
fn killed_at_any_instant_three_replicas_on_postgresql_lose_nothing_and_double_only_what_was_uncertain() {
    check("three on PostgreSQL", Engine::Postgres, 3);
}

#[test]
fn a_postgresql_that_is_stopped_again_and_again_under_three_replicas_loses_nothing_either() {
    const LABEL: &str = "PostgreSQL stopped under three replicas";
    let (stops, notices) = (number("FRISTD_STOPS", 4), number("FRISTD_NOTICES", 150) as usize);
    let mut random = Random(number("FRISTD_SEED", 20_261_215));
    let began = now();
    let mut server = Postgres::start();
    let (mut stopped, mut in_vain, mut toll) = (0, 0, Toll::default());
    while stopped < stops {
        let sink = Sink::start();
        let mut site = crowd(notices, sink.port());
        site.set("DATABASE", &server.new_database());
        let mut lives = Lives::new(&site, &sink, 3);
        lives.queue();
        lives.start_all();
        while stopped < stops && sink.accepted().len() < notices {
            // a stop is only worth something while mails are on their way
            if !lives.wait_for_mails(notices, (stops - stopped) as usize, &mut random) {
                in_vain += 1;
                assert!(in_vain <= 10 * stops, "{LABEL}: nothing is delivered any more");
                continue;
            }
            server.stop_immediate();
            server.start_again();
            stopped += 1;
        }
        toll += settle(&site, &sink, &mut lives, notices, LABEL);
    }
    let seconds = (now() - began).num_seconds();
    println!("{LABEL}: {stopped} stops, all while delivering; {toll}; {seconds} seconds");
}

fn check(label: &str, engine: Engine, replicas: usize) {
    let (kills, notices) = (number("FRISTD_KILLS", 12), number("FRISTD_NOTICES", 150) as usize);
    let (kills, mut random) = (kills as usize, Random(number("FRISTD_SEED", 20_261_215)));
    let began = now();
    let postgres = (engine == Engine::Postgres).then(Postgres::start);
    let (mut deaths, mut toll) = (Deaths::default(), Toll::default());
    while deaths.kills < kills {
        let sink = Sink::start();
        let mut site = crowd(notices, sink.port());
        if let Some(server) = &postgres {
            site.set("DATABASE", &server.new_database());
        }
        let mut lives = Lives::new(&site, &sink, replicas);
        lives.queue();
        lives.deaths = deaths;
        lives.kill(kills, notices, &mut random);
        toll += settle(&site, &sink, &mut lives, notices, label);
        deaths = lives.deaths;
    }
    let seconds = (now() - began).num_seconds();
    println!("{label}: {deaths}; {toll}; {seconds} seconds");
    // a busy machine starts slowly, and more kills hit a start; none that hits a delivery would show nothing
    assert!(deaths.while_delivering * 4 > deaths.kills, "{label}: most kills hit a start and not a delivery: {deaths}");
}

/// Lets everything come to an end and judges it. Then a person decides on what was left to one, and everything has been accepted.
fn settle(site: &Site, sink: &Sink, lives: &mut Lives<'_>, notices: usize, label: &str) -> Toll {
    lives.finish();
    let toll = judge(site, &sink.accepted(), notices, label);
    if toll.left_to_a_person > 0 {
        site.done(&["outbox", "retry", "--state", "uncertain"]);
        lives.finish();
        let after = judge(site, &sink.accepted(), notices, &format!("{label}, after a person's decision"));
        assert_eq!(after.left_to_a_person, 0, "{label}: {after}");
    }
    toll
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

#[expect(clippy::disallowed_methods, reason = "how long it took is of interest, and nothing else")]
fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now()
}
