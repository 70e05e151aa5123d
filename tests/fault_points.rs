//! Lets the daemon die at every step between plan and record, at the first and at later passages. Never at a random instant: that
//! is what tests/kills.rs does.

mod support;

use fristd::fault::Point;
use rstest::rstest;
use support::crowd::crowd;
use support::ledger::judge;
use support::lives::Lives;
use support::postgres::new_database;
use support::sink::Sink;

const NOTICES: usize = 40;
const PASSAGES: [usize; 3] = [1, 2, 9];
/// Passed once in a delivery of this size, so that the process may end its work before a later passage.
const SELDOM: [Point; 3] = [Point::Planned, Point::Queued, Point::Claimed];

#[rstest]
#[case::sqlite(false)]
#[case::postgresql(true)]
fn died_at_any_point_it_loses_nothing_and_doubles_only_what_was_uncertain(#[case] on_postgresql: bool) {
    // several at once: each waits for silence most of its time
    std::thread::scope(|scope| {
        for points in Point::ALL.chunks(Point::ALL.len().div_ceil(4)) {
            scope.spawn(move || {
                for point in points {
                    let passages = if SELDOM.contains(point) { &PASSAGES[..2] } else { &PASSAGES };
                    passages.iter().for_each(|passage| check(*point, *passage, on_postgresql));
                }
            });
        }
    });
}

fn check(point: Point, passage: usize, on_postgresql: bool) {
    let told = format!("{}:{passage}", point.name());
    let sink = Sink::start();
    let mut site = crowd(NOTICES, sink.port());
    if on_postgresql {
        site.set("DATABASE", &new_database());
    }
    let mut lives = Lives::new(&site, &sink, 1);
    let has_died = lives.die_by_itself("FRISTD_DIE_AT", &told).is_some();
    assert!(has_died || (passage > 1 && SELDOM.contains(&point)), "{told}: this point was never passed");
    let before = sink.seen().accepted;
    lives.finish();
    let toll = judge(&site, &sink.accepted(), NOTICES, &told);
    println!("{told}: died after {before} mails; {toll}");
    assert_eq!(toll.left_to_a_person, 0, "{told}: one death is no reason to ask a person");
    if matches!(point, Point::Planned | Point::Queued | Point::Claimed | Point::Composed | Point::Prepared)
        && passage == 1
    {
        assert_eq!(toll.twice, 0, "{told}: nothing was handed over before");
    }
}
