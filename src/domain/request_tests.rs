//! S1, S2, F1, N11: what a person may record and signal, and what is refused with what is accepted.

use super::super::test_support::{at, day, extended, month, partial, planning, roster, rulebook, statistics};
use super::*;

const NOW: &str = "2026-12-09 09:12";

fn asker() -> Asker<'static> {
    Asker { source: "manual", actor: "test", now: at(NOW) }
}

fn of(state: &str) -> ReceiptRequest {
    ReceiptRequest {
        month: "2026-12".into(),
        duty: "statistics".into(),
        authority: "k1".into(),
        state: state.into(),
        ..ReceiptRequest::default()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).into()).collect()
}

fn recorded(request: &ReceiptRequest) -> Result<Receipt, RequestError> {
    let deadline = Deadline { import_on: day("2026-12-01"), stated_on: day("2026-12-15"), ends_on: day("2026-12-15") };
    receipt(request, &statistics(), &roster(), &deadline, asker())
}

#[test]
fn each_word_of_s1_becomes_its_state() {
    let check = |request: ReceiptRequest, want: ReceiptState| {
        assert_eq!(recorded(&request).unwrap().state, want, "{}", request.state);
    };
    let because = |state: &str| ReceiptRequest { reason: Some(" Umzug ".into()), ..of(state) };
    let reason = || "Umzug".to_owned();
    check(of("missing"), ReceiptState::Missing);
    check(of("complete"), ReceiptState::Complete);
    check(of("nil"), ReceiptState::Nil);
    check(because("excused"), ReceiptState::Excused { reason: reason() });
    check(because("exempt"), ReceiptState::Exempt { reason: reason() });
    check(ReceiptRequest { until: Some("2026-12-18".into()), ..because("extended") }, extended("2026-12-18"));
    check(ReceiptRequest { missing: words(&["returns"]), ..of("partial") }, partial(&["returns"]));
    let there = words(&["returns"]);
    check(ReceiptRequest { parts: there, ..of("partial") }, partial(&["reag-garp", "without-funding"]));
    let out_of_order = words(&["returns", "reag-garp"]);
    check(ReceiptRequest { missing: out_of_order, ..of("partial") }, partial(&["reag-garp", "returns"]));
}

#[test]
fn what_does_not_fit_is_refused_with_its_remedy() {
    let check = |label: &str, request: ReceiptRequest, want: &str| {
        let error = recorded(&request).expect_err(label).to_string();
        assert!(error.contains(want), "{label}: {error}");
    };
    let because = |state: &str, reason: &str| ReceiptRequest { reason: Some(reason.into()), ..of(state) };
    let until = |date: &str| ReceiptRequest { until: Some(date.into()), ..because("extended", "Umzug") };
    check("unknown state", of("fertig"), "missing, partial, complete, nil, excused, extended, exempt");
    check("unknown authority", ReceiptRequest { authority: "x9".into(), ..of("nil") }, "not in the roster");
    check("excused without a reason", of("excused"), "needs a reason");
    check("exempt with a blank reason", because("exempt", "  "), "needs a reason");
    check("a reason of two lines", because("excused", "a\nb"), "line break");
    check("extended without a date", because("extended", "Umzug"), "needs the last day");
    check("extended to no date", until("18.12.2026"), "accepted: YYYY-MM-DD");
    check("extended to the deadline itself", until("2026-12-15"), "accepted: a later day");
    check("extended to an earlier day", until("2026-12-14"), "accepted: a later day");
    check(
        "a date without an extension",
        ReceiptRequest { until: Some("2026-12-18".into()), ..of("nil") },
        "\"extended\" only",
    );
    check(
        "parts of a complete report",
        ReceiptRequest { parts: words(&["returns"]), ..of("complete") },
        "\"partial\" only",
    );
    check("an unknown part", ReceiptRequest { missing: words(&["dublin"]), ..of("partial") }, "known: reag-garp");
    check("partial without parts", of("partial"), "which parts");
    let both = ReceiptRequest { parts: words(&["returns"]), missing: words(&["reag-garp"]), ..of("partial") };
    check("parts and missing ones", both, "not both");
    let all = words(&["reag-garp", "without-funding", "returns"]);
    check("all there", ReceiptRequest { parts: all.clone(), ..of("partial") }, "record \"complete\"");
    check("all missing", ReceiptRequest { missing: all, ..of("partial") }, "record \"missing\"");
    let tomorrow = ReceiptRequest { reported_at: Some(at("2026-12-09 09:13")), ..of("nil") };
    check("reported in the future", tomorrow, "in the future");
}

#[test]
fn a_receipt_keeps_when_it_was_reported_and_when_it_was_received() {
    let check = |reported: Option<&str>, want: &str| {
        let found = recorded(&ReceiptRequest { reported_at: reported.map(at), ..of("nil") }).unwrap();
        assert_eq!((found.received_at, found.reported_at), (at(NOW), at(want)));
        assert_eq!((found.source.as_str(), found.actor.as_str()), ("manual", "test"));
    };
    check(None, NOW);
    check(Some("2026-12-08 16:00"), "2026-12-08 16:00");
    check(Some(NOW), NOW);
}

#[test]
fn a_month_is_accepted_from_the_stores_first_cycle_to_the_next_month() {
    let check = |text: &str, first: Option<&str>, want: Result<&str, &str>| {
        let found = super::month(&rulebook(), text, first.map(month), at(NOW));
        match want {
            Ok(of) => assert_eq!(found.unwrap(), month(of)),
            Err(why) => {
                let error = found.expect_err(text).to_string();
                assert!(error.contains(why), "{text}: {error}");
            }
        }
    };
    check("2026-12", None, Ok("2026-12"));
    check("2026-12", Some("2026-12"), Ok("2026-12"));
    check("2027-01", Some("2026-12"), Ok("2027-01"));
    check("2024-12", Some("2024-01"), Ok("2024-12"));
    check("2026-11", Some("2026-12"), Err("first cycle, 2026-12"));
    check("2027-02", Some("2026-12"), Err("too far"));
    check("2024-11", None, Err("too far"));
    check("12/2026", None, Err("YYYY-MM"));
}

#[test]
fn an_import_is_signalled_for_a_day_of_its_month() {
    let check = |import_on: &str, is_good| {
        assert_eq!(import_signal(month("2026-12"), day(import_on), asker()).is_ok(), is_good, "{import_on}");
    };
    check("2026-12-01", true);
    check("2026-12-31", true);
    check("2026-11-30", false);
    check("2027-01-01", false);
    let signal = import_signal(month("2026-12"), day("2026-12-08"), asker()).unwrap();
    assert_eq!((signal.import_on, signal.received_at), (day("2026-12-08"), at(NOW)));
}

#[test]
fn an_unknown_duty_is_refused_with_the_known_ones() {
    assert_eq!(duty(&rulebook(), "planning").unwrap().id, planning().id);
    let error = duty(&rulebook(), "plan").expect_err("there is none").to_string();
    assert!(error.contains("known: planning, statistics"), "{error}");
}
