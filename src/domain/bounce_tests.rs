//! M6, N7: what a returned mail amounts to, and whether it is believed.

use super::super::test_support::{at, mailbox};
use super::*;

const HARD: Verdict = Verdict::Hard;
const LOST: Verdict = Verdict::Soft { is_final: true };
const DELAYED: Verdict = Verdict::Soft { is_final: false };

fn report(action: &str, status: &str, diagnostic: &str) -> RecipientReport {
    RecipientReport {
        recipients: vec![mailbox("essen")],
        action: Action::parse(action),
        status: StatusCode::parse(status),
        diagnostic: diagnostic.to_owned(),
    }
}

fn returned(recipients: Vec<RecipientReport>) -> Returned {
    Returned { report: ReportKind::Delivery, recipients, ..Returned::default() }
}

#[test]
fn action_and_status_decide_between_hard_soft_and_no_bounce() {
    let check = |label: &str, action: &str, status: &str, diagnostic: &str, want: Option<Verdict>| {
        let judged = judge(&returned(vec![report(action, status, diagnostic)]), Some(&mailbox("essen")));
        match want {
            Some(want) => assert_eq!(judged.verdict, want, "{label}"),
            None => assert!(matches!(judged.verdict, Verdict::NotABounce(_)), "{label}: {judged:?}"),
        }
    };
    check("no such mailbox", "failed", "5.1.1", "", Some(HARD));
    check("no such domain", "failed", "5.4.4", "", Some(HARD));
    check("disabled", "failed", "5.2.1", "", Some(HARD));
    check("policy, as M6 takes a 5xx", "failed", "5.7.1", "", Some(HARD));
    check("unknown at M365", "failed", "5.4.1", "550 5.4.1 Recipient address rejected: Access denied", Some(HARD));
    check("Exim's local failure", "failed", "5.0.0", "", Some(HARD));
    check("with a comment", "failed (bad)", "5.1.1 (bad destination mailbox address)", "", Some(HARD));
    check("mailbox full", "failed", "5.2.2", "", Some(LOST));
    check("too large", "failed", "5.3.4", "", Some(LOST));
    check("system full", "failed", "5.3.1", "", Some(LOST));
    check("expired as permanent", "failed", "5.4.7", "", Some(LOST));
    check("expired", "failed", "4.4.7", "", Some(LOST));
    check("content", "failed", "5.6.1", "", Some(LOST));
    check("given up after transient failures", "failed", "4.2.1", "", Some(LOST));
    check("general status, words know more", "failed", "5.0.0", "smtp; 552 5.2.2 mailbox full", Some(LOST));
    check("general status, code knows more", "failed", "5.0.0", "smtp; 552 over quota", Some(LOST));
    check("general status, words of another class", "failed", "5.0.0", "smtp; 451 4.2.2 later", Some(HARD));
    check("precise status, words differ", "failed", "5.1.1", "smtp; 552 5.2.2 mailbox full", Some(HARD));
    check("no status, code in the words", "failed", "", "smtp; 550 no such user here", Some(HARD));
    check("no status, no words", "failed", "", "", Some(LOST));
    check("delayed", "delayed", "4.4.1", "", Some(DELAYED));
    check("delayed with a permanent status", "delayed", "5.1.1", "", Some(DELAYED));
    check("no action", "", "5.1.1", "", Some(HARD));
    check("no action, transient", "", "4.4.1", "", Some(DELAYED));
    check("delivered", "delivered", "2.0.0", "", None);
    check("relayed", "relayed", "2.1.9", "", None);
    check("expanded", "expanded", "2.1.5", "", None);
    check("failed with success", "failed", "2.0.0", "", None);
    check("nothing", "", "", "", None);
    check("an unknown word", "exploded", "", "", None);
}

#[test]
fn the_worst_that_is_said_of_the_mailbox_decides_and_others_do_not() {
    let of = |name: &str, action: &str, status: &str| RecipientReport {
        recipients: vec![mailbox(name)],
        ..report(action, status, "")
    };
    let nobody = |status: &str| RecipientReport { recipients: Vec::new(), ..report("failed", status, "") };
    let check = |label: &str, recipients: Vec<RecipientReport>, want: (Verdict, Names)| {
        let judged = judge(&returned(recipients), Some(&mailbox("essen")));
        assert_eq!((judged.verdict, judged.names), want, "{label}");
    };
    check("own delayed, other failed", vec![of("bonn", "failed", "5.1.1"), of("essen", "delayed", "4.4.1")], {
        (DELAYED, Names::Mailbox)
    });
    check("twice", vec![of("essen", "delayed", "4.4.1"), of("essen", "failed", "5.1.1")], (HARD, Names::Mailbox));
    check("nobody named", vec![of("bonn", "failed", "4.4.7"), nobody("5.1.1")], (HARD, Names::Nobody));
    check("others only", vec![of("bonn", "failed", "5.1.1")], (HARD, Names::Others));
    let none = judge(&returned(Vec::new()), Some(&mailbox("essen")));
    assert!(matches!(none.verdict, Verdict::NotABounce(_)), "{none:?}");
}

#[test]
fn without_a_report_only_a_mail_system_that_names_a_failure_is_believed() {
    let check = |label: &str, text: &str, from_system: bool, automatic: bool, want: Option<(Verdict, Names)>| {
        let returned = Returned {
            text: text.to_owned(),
            is_from_mail_system: from_system,
            is_automatic_answer: automatic,
            ..Returned::default()
        };
        let judged = judge(&returned, Some(&mailbox("essen")));
        match want {
            Some(want) => assert_eq!((judged.verdict, judged.names), want, "{label}"),
            None => assert!(matches!(judged.verdict, Verdict::NotABounce(_)), "{label}: {judged:?}"),
        }
    };
    let essen = mailbox("essen");
    let qmail = format!("hi. this is the qmail-send program.\n\n<{essen}>:\nsorry, no mailbox here. (#5.1.1)\n");
    check("qmail", &qmail, true, false, Some((HARD, Names::Mailbox)));
    check("not from a mail system", &qmail, false, false, None);
    check("an automatic answer", &qmail, true, true, None);
    check("full", &format!("{essen}\n552 quota exceeded"), true, false, Some((LOST, Names::Mailbox)));
    check("put off", &format!("{essen}\n451 try later"), true, false, Some((DELAYED, Names::Mailbox)));
    check("no code", &format!("{essen} is not here"), true, false, None);
    check("a file number is no code", &format!("{essen} az. 523-26.19.01-000001"), true, false, None);
    check("another address", "other-essen@x.example: 550 5.1.1", true, false, Some((HARD, Names::Nobody)));
    check("a longer address", &format!("1{essen}: 550 5.1.1"), true, false, Some((HARD, Names::Nobody)));
    let receipt = Returned { report: ReportKind::Disposition, ..Returned::default() };
    assert_eq!(judge(&receipt, None).verdict, Verdict::NotABounce("a read receipt"));
}

#[test]
fn a_returned_mail_is_believed_only_with_a_proof() {
    let now = at("2026-12-20 12:00");
    let good = ReturnFacts {
        handed_over_at: Some(at("2026-12-14 08:00")),
        cleared_at: None,
        has_token: false,
        needs_token: false,
    };
    let check = |label: &str, names: Names, facts: ReturnFacts, want: Option<Proof>| {
        let proof = prove(names, &facts, now);
        match want {
            Some(want) => assert_eq!(proof, want, "{label}"),
            None => assert!(matches!(proof, Proof::None(_)), "{label}: {proof:?}"),
        }
    };
    let token = ReturnFacts { has_token: true, ..good };
    let strict = ReturnFacts { needs_token: true, ..good };
    check("names the mailbox", Names::Mailbox, good, Some(Proof::Recipient));
    check("names nobody", Names::Nobody, good, None);
    check("names others", Names::Others, good, None);
    check("token", Names::Mailbox, token, Some(Proof::Token));
    check("token, names nobody", Names::Nobody, token, Some(Proof::Token));
    check("token, names others: forwarded", Names::Others, token, None);
    check("token needed and missing", Names::Mailbox, strict, None);
    check("token needed and there", Names::Mailbox, ReturnFacts { needs_token: true, ..token }, Some(Proof::Token));
    check("never handed over", Names::Mailbox, ReturnFacts { handed_over_at: None, ..token }, None);
    let old = ReturnFacts { handed_over_at: Some(at("2026-11-20 11:59")), ..token };
    check("older than thirty days", Names::Mailbox, old, None);
    let within = ReturnFacts { handed_over_at: Some(at("2026-11-20 12:00")), ..token };
    check("thirty days", Names::Mailbox, within, Some(Proof::Token));
    let cleared = |text: &str| ReturnFacts { cleared_at: Some(at(text)), ..good };
    check("cleared since", Names::Mailbox, cleared("2026-12-15 08:00"), None);
    check("cleared before", Names::Mailbox, cleared("2026-12-13 08:00"), Some(Proof::Recipient));
}

#[test]
fn only_what_is_proved_has_consequences() {
    let check = |verdict: Verdict, proof: Proof, want: Consequence| {
        assert_eq!(consequence(verdict, proof), want, "{verdict:?} {proof:?}");
    };
    for proof in [Proof::Token, Proof::Recipient] {
        check(HARD, proof, Consequence::Flag);
        check(LOST, proof, Consequence::NotDelivered);
        check(DELAYED, proof, Consequence::Nothing);
        check(Verdict::NotABounce(""), proof, Consequence::Nothing);
    }
    check(HARD, Proof::None(""), Consequence::Nothing);
    check(LOST, Proof::None(""), Consequence::Nothing);
}
