//! Plays every scenario in tests/scenarios with the built binary and holds it against its record. Never masks a date.
//!
//! After a change that is meant, `INSTA_UPDATE=always cargo test --test scenarios` writes the records anew; read the
//! difference before you commit it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn play(scenario: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::cargo_bin("fristd")
        .expect("the binary is built")
        .current_dir(root)
        .args(["simulate", "--json"])
        .arg(match scenario {
            "demo-month" => root.join("deploy/example/demo.txt"),
            other => root.join("tests/scenarios").join(other).with_extension("txt"),
        })
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{scenario}: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    lines.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or("-")
}

fn list(event: &Value, field: &str) -> String {
    event[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// A line an event: when, what, which step, to whom, about whom, and why or under which subject.
fn in_full(events: &[Value]) -> String {
    let line = |event: &Value| {
        let words = if text(event, "event") == "sent" { text(event, "subject") } else { text(event, "reason") };
        let about = list(event, "authorities");
        format!(
            "{} {} {} {} r{} → {} [{}] {words}",
            text(event, "at"),
            text(event, "event"),
            text(event, "duty"),
            text(event, "step"),
            event["revision"],
            text(event, "to"),
            if about.is_empty() { text(event, "office").to_owned() } else { about },
        )
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A line a day and step, with the number of mailboxes: for stories with hundreds of them.
fn counted(events: &[Value]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        let day = &text(event, "at")[..10];
        let what = ["event", "month", "duty", "step"].map(|field| text(event, field)).join(" ");
        *counts.entry(format!("{day} {what} r{}", event["revision"])).or_default() += 1;
    }
    counts.into_iter().map(|(what, count)| format!("{what}: {count}")).collect::<Vec<_>>().join("\n")
}

fn check(scenario: &str, told: impl Fn(&[Value]) -> String) {
    let events = play(scenario);
    nobody_is_told_twice(scenario, &events);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("scenarios");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(scenario, told(&events)));
}

/// No notice is sent twice but out of `uncertain`, and then under the same Message-ID (N4, M6): holds in every story.
fn nobody_is_told_twice(scenario: &str, events: &[Value]) {
    let (mut accepted, mut ids) = (BTreeSet::new(), BTreeMap::new());
    for event in events.iter().filter(|event| matches!(text(event, "event"), "sent" | "uncertain")) {
        let key = ["month", "duty", "step", "to"].map(|field| text(event, field)).join(" ");
        let key = format!("{key} r{}", event["revision"]);
        let id = text(event, "message_id");
        assert_eq!(*ids.entry(key.clone()).or_insert(id), id, "{scenario}: {key} has two Message-IDs");
        let is_new = text(event, "event") != "sent" || accepted.insert(key.clone());
        assert!(is_new, "{scenario}: {key} was accepted twice");
    }
    assert!(!accepted.is_empty(), "{scenario} sends something");
}

macro_rules! scenarios {
    ($($name:ident: $file:literal, $told:ident;)*) => { $(
        #[test]
        fn $name() {
            check($file, $told);
        }
    )* };
}

scenarios! {
    the_month_of_the_design: "month", counted;
    the_month_of_the_demo: "demo-month", counted;
    after_a_standstill_only_what_is_live_is_sent: "standstill-across-a-reminder", in_full;
    a_correction_reaches_everybody_who_was_told_once: "correction-after-the-announcement", in_full;
    a_date_moves_by_a_reason_of_its_own_each_time: "correction-in-three-turns", in_full;
    no_reminder_with_the_old_date_goes_out_after_a_correction: "correction-while-reminders-wait", in_full;
    who_never_got_the_old_date_is_announced_the_new_one: "correction-of-a-partly-delivered-announcement", in_full;
    a_correction_that_is_taken_back_is_told_to_whom_it_reached: "correction-taken-back-before-it-arrived", in_full;
    a_correction_into_the_past_waits_for_a_person: "correction-into-the-past", in_full;
    a_correction_goes_to_who_gets_mail_in_place_of_who_was_told: "correction-and-changed-contacts", in_full;
    a_second_signal_moves_nothing_without_a_reason: "correction-by-a-second-signal", in_full;
    who_reports_between_queueing_and_sending_gets_no_reminder: "report-between-queueing-and-sending", in_full;
    a_rejected_mailbox_is_flagged_and_told_once: "rejected-mailbox", in_full;
    a_mail_that_comes_back_flags_its_mailbox_until_a_person_clears_it: "hard-bounce-before-the-last-reminder", in_full;
    an_uncertain_mail_is_sent_once_more: "connection-breaks-after-data", in_full;
    a_relay_that_is_down_delays_and_loses_nothing_silently: "relay-down", counted;
    half_past_two_that_does_not_exist: "clock-goes-forward", in_full;
    half_past_two_that_comes_twice: "clock-goes-back", in_full;
    a_february: "february", in_full;
    with_nobody_missing_there_is_one_summary: "nobody-missing", in_full;
    with_everybody_missing_the_whole_ladder_is_climbed: "everybody-missing", in_full;
    the_guard_holds_until_a_person_releases: "guard", in_full;
    an_import_that_must_be_signalled: "import-on-signal", in_full;
    a_merged_authority_owes_what_was_due_before_and_the_other_the_rest: "merged-authority", in_full;
    while_an_office_is_offline_its_deputy_is_told: "deputy-mailbox", in_full;
    an_all_clear_follows_each_escalation_that_is_settled: "withdrawal-and-all-clear", in_full;
    an_extension_ends_as_it_was_recorded: "extension-ends-on-a-holiday", in_full;
    who_takes_a_report_back_is_asked_again: "withdrawal-between-two-reminders", in_full;
    a_list_that_lacks_what_was_telephoned_undoes_nothing: "list-lacks-what-was-telephoned", in_full;
    what_stands_for_several_months_is_not_asked_for: "standing-nil-and-exemption", in_full;
    who_is_silent_for_months_is_told_to_an_office_of_choice: "long-silence", in_full;
}
