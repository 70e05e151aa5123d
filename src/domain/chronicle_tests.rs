//! S4, S5: the receipts in order, with what each of them came to.

use chrono_tz::Europe::Berlin;

use super::super::ReceiptState::{Complete, Missing};
use super::super::test_support::{at, backdated, day, extended, local, partial, receipt};
use super::*;

fn told(receipts: &[Receipt], now: &str) -> Vec<String> {
    let words = |entry: &Entry| {
        let what = match &entry.what {
            Happened::Recorded(receipt) => receipt.state.as_str().to_owned(),
            Happened::ExtensionRanOut { until } => format!("(ran out {until})"),
        };
        let in_time = entry.in_time.map_or("open", |in_time| if in_time { "in time" } else { "not in time" });
        format!("{} {what} → {}, {in_time}", local(entry.at), entry.standing.state.as_str())
    };
    chronicle(receipts, day("2026-12-15"), at(now), Berlin).iter().map(words).collect()
}

#[test]
fn an_extension_that_ran_out_stands_where_it_ran_out() {
    let rows = [
        receipt("k1", partial(&["returns"]), "2026-12-09 09:00"),
        receipt("k1", extended("2026-12-22"), "2026-12-14 10:00"),
        receipt("k1", Complete, "2026-12-28 11:00"),
    ];
    let all = [
        "2026-12-09 09:00 partial → partial, open",
        "2026-12-14 10:00 extended → extended, open",
        "2026-12-23 00:00 (ran out 2026-12-22) → partial, not in time",
        "2026-12-28 11:00 complete → complete, not in time",
    ];
    assert_eq!(told(&rows, "2027-01-04 00:00"), all);
    assert_eq!(told(&rows[..2], "2026-12-22 23:59"), all[..2], "not run out yet");
    assert_eq!(told(&rows[..2], "2026-12-23 00:00"), all[..3], "just now");
}

#[test]
fn an_extension_that_was_used_prolonged_or_taken_back_does_not_run_out() {
    let check = |label: &str, second: Receipt, want: &str| {
        let rows = [receipt("k1", extended("2026-12-22"), "2026-12-14 10:00"), second];
        let found = told(&rows, "2027-01-04 00:00");
        assert_eq!(found[1..], [want], "{label}");
    };
    check("used", receipt("k1", Complete, "2026-12-21 10:00"), "2026-12-21 10:00 complete → complete, in time");
    check("taken back", receipt("k1", Missing, "2026-12-21 10:00"), "2026-12-21 10:00 missing → missing, open");
    check(
        "prolonged",
        receipt("k1", extended("2027-01-08"), "2026-12-21 10:00"),
        "2026-12-21 10:00 extended → extended, open",
    );
}

#[test]
fn what_was_recorded_later_than_it_was_reported_was_in_time() {
    let rows = [backdated("k1", Complete, "2026-12-15 16:00", "2026-12-17 09:00")];
    assert_eq!(told(&rows, "2026-12-18 00:00"), ["2026-12-17 09:00 complete → complete, in time"]);
}

#[test]
fn the_order_is_that_of_recording_also_when_a_clock_was_set_back() {
    let rows = [receipt("k1", Complete, "2026-12-10 10:00"), receipt("k1", Missing, "2026-12-09 10:00")];
    let want = ["2026-12-10 10:00 complete → complete, in time", "2026-12-09 10:00 missing → missing, open"];
    assert_eq!(told(&rows, "2026-12-11 00:00"), want);
}
