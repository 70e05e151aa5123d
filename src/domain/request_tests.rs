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
    check("a reason of two lines, of a report", because("complete", "a\nb"), "line break");
    check("a reason as long as a letter", because("excused", &"a".repeat(501)), "longer than 500 characters");
    check("extended without a date", because("extended", "Umzug"), "needs the last day");
    check("extended to no date", until("18.12.2026"), "accepted: YYYY-MM-DD");
    check("extended to the deadline itself", until("2026-12-15"), "accepted: a later day");
    check("extended to an earlier day", until("2026-12-14"), "accepted: a later day");
    check(
        "a date of a complete report",
        ReceiptRequest { until: Some("2026-12-18".into()), ..of("complete") },
        "\"extended\", \"nil\" or \"exempt\" only",
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
fn any_state_takes_a_reason_and_keeps_it() {
    let check = |state: &str, note: Option<&str>, why: &str| {
        let missing = if state == "partial" { words(&["returns"]) } else { Vec::new() };
        let found = recorded(&ReceiptRequest { reason: Some(" am Telefon ".into()), missing, ..of(state) }).unwrap();
        assert_eq!((found.note.as_deref(), found.why()), (note, Some(why)), "{state}");
    };
    for state in ["missing", "partial", "complete", "nil"] {
        check(state, Some("am Telefon"), "am Telefon");
    }
    for state in ["excused", "exempt"] {
        check(state, None, "am Telefon");
    }
    assert_eq!(recorded(&ReceiptRequest { reason: Some("  ".into()), ..of("nil") }).unwrap().why(), None);
}

fn checked(request: &ReceiptRequest, duty: &Duty, of: &str) -> Result<Checked, RequestError> {
    let deadline = Deadline { import_on: day("2026-12-01"), stated_on: day("2026-12-15"), ends_on: day("2026-12-15") };
    check(request, month(of), duty, &roster(), &deadline, chrono_tz::Europe::Berlin, asker())
}

fn standing(state: &str, until: &str) -> ReceiptRequest {
    ReceiptRequest { until: Some(until.into()), reason: Some("keine Fälle".into()), ..of(state) }
}

#[test]
fn a_nil_report_or_an_exemption_with_an_end_is_arranged_from_its_cycle_on() {
    let check =
        |label: &str, request: ReceiptRequest, kind: ArrangementKind, until: Option<&str>, last: Option<&str>| {
            let found = checked(&request, &statistics(), "2026-12").unwrap();
            let arrangement = found.arrangement.unwrap();
            assert_eq!((arrangement.kind, arrangement.from), (kind, month("2026-12")), "{label}");
            assert_eq!(arrangement.until, until.map(day), "{label}");
            assert_eq!(arrangement.last_cycle(&statistics()), last.map(month), "{label}");
            assert_eq!((arrangement.reason.as_str(), arrangement.recorded_at), ("keine Fälle", at(NOW)), "{label}");
            assert_eq!((found.receipt.state.as_str(), found.receipt.why()), (kind.as_str(), Some("keine Fälle")));
            assert_eq!(found.remarks, [], "{label}");
        };
    use ArrangementKind::{Exempt, Nil};
    check("nil", standing("nil", "2027-06-30"), Nil, Some("2027-06-30"), Some("2027-07"));
    check("exempt", standing("exempt", "2027-06-30"), Exempt, Some("2027-06-30"), Some("2027-07"));
    check("exempt, open", standing("exempt", "further-notice"), Exempt, None, None);
    check("exempt, open, as a list says it", standing("exempt", "Bis auf weiteres"), Exempt, None, None);
    check("only this month's report", standing("nil", "2026-11-30"), Nil, Some("2026-11-30"), Some("2026-12"));
}

#[test]
fn what_does_not_stand_for_several_months_is_not_arranged() {
    let extension = ReceiptRequest { until: Some("2026-12-18".into()), reason: Some("Umzug".into()), ..of("extended") };
    for request in [of("complete"), of("nil"), extension] {
        assert_eq!(checked(&request, &statistics(), "2026-12").unwrap().arrangement, None, "{request:?}");
    }
}

#[test]
fn an_arrangement_that_cannot_be_is_refused_with_its_remedy() {
    let check = |label: &str, request: ReceiptRequest, duty: &Duty, want: &str| {
        let error = checked(&request, duty, "2026-12").expect_err(label).to_string();
        assert!(error.contains(want), "{label}: {error}");
    };
    let (statistics, planning) = (statistics(), planning());
    let without_reason = ReceiptRequest { reason: None, ..standing("nil", "2027-06-30") };
    check("nil without a reason", without_reason, &statistics, "needs a reason");
    check("nil without an end", standing("nil", "further-notice"), &statistics, "ends on a date");
    check("no date", standing("nil", "30.06.2027"), &statistics, "accepted: YYYY-MM-DD");
    check("a year that nobody means", standing("nil", "9999-06-30"), &statistics, "between 1995 and 2100");
    check("a year before all calendars", standing("exempt", "0026-06-30"), &statistics, "between 1995 and 2100");
    check("statistics are about November", standing("nil", "2026-11-29"), &statistics, "accepted: 2026-11-30 or later");
    check("planning is about December", standing("nil", "2026-12-30"), &planning, "accepted: 2026-12-31 or later");
    let stranger = ReceiptRequest { authority: "x9".into(), ..standing("nil", "2027-06-30") };
    check("nobody", stranger, &statistics, "not in the roster");
}

#[test]
fn what_may_not_be_meant_is_remarked() {
    let check = |label: &str, request: ReceiptRequest, want: &[Remark]| {
        assert_eq!(checked(&request, &statistics(), "2026-12").unwrap().remarks, want, "{label}");
    };
    let extension = |until: &str| ReceiptRequest { state: "extended".into(), ..standing("extended", until) };
    let free = |until: &str, why: &str, next: &str| Remark::FreeDay {
        until: day(until),
        why: why.into(),
        next_working_day: Some(day(next)),
    };
    check("a working day", extension("2026-12-18"), &[]);
    check("a Saturday", extension("2026-12-19"), &[free("2026-12-19", "Samstag", "2026-12-21")]);
    check("Christmas", extension("2026-12-25"), &[free("2026-12-25", "1. Weihnachtstag", "2026-12-28")]);
    check("New Year", extension("2027-01-01"), &[free("2027-01-01", "Neujahr", "2027-01-04")]);
    let once = |state: &str| ReceiptRequest { until: None, ..standing(state, "") };
    check("nil with a reason, once", once("nil"), &[Remark::ThisCycleOnly]);
    check("exempt, once", once("exempt"), &[Remark::ThisCycleOnly]);
    check("excused, once, as ever", once("excused"), &[]);
    check("nil as ever", of("nil"), &[]);
    let deadline = Deadline { import_on: day("2026-11-02"), stated_on: day("2026-11-16"), ends_on: day("2026-11-16") };
    let late = extension("2026-12-08");
    let zone = chrono_tz::Europe::Berlin;
    let found = super::check(&late, month("2026-11"), &statistics(), &roster(), &deadline, zone, asker()).unwrap();
    assert_eq!(found.remarks, [Remark::Over { until: day("2026-12-08") }]);
}

#[test]
fn what_is_arranged_is_ended_from_a_cycle_on() {
    let arranged = checked(&standing("nil", "2027-06-30"), &statistics(), "2026-12").unwrap().arrangement.unwrap();
    let known = [arranged];
    let request = |from: Option<&str>| EndRequest {
        authority: "k1".into(),
        duty: "statistics".into(),
        from: from.map(str::to_owned),
        reason: Some("übernommen".into()),
    };
    let end = |request: &EndRequest| end(request, &statistics(), &known, chrono_tz::Europe::Berlin, asker());
    let check = |label: &str, request: EndRequest, want: Option<&str>| {
        let found = end(&request).unwrap().map(|end| end.from);
        assert_eq!(found, want.map(month), "{label}");
    };
    check("this month", request(None), Some("2026-12"));
    check("later", request(Some("2027-03")), Some("2027-03"));
    check("its last", request(Some("2027-07")), Some("2027-07"));
    check("after its own end", request(Some("2027-08")), None);
    check("nobody", EndRequest { authority: "k2".into(), ..request(None) }, None);
    assert!(end(&request(Some("2027"))).is_err_and(|error| error.to_string().contains("YYYY-MM")));
    let without = EndRequest { reason: Some(" ".into()), ..request(None) };
    assert!(end(&without).is_err_and(|error| error.to_string().contains("reason")));
    let ended = end(&request(None)).unwrap().unwrap();
    assert_eq!((ended.kind, ended.reason.as_str()), (ArrangementKind::Ended, "übernommen"));
    let all = [known[0].clone(), ended];
    let again = super::end(&request(None), &statistics(), &all, chrono_tz::Europe::Berlin, asker());
    assert_eq!(again.unwrap(), None, "it is over already");
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
