//! What the reader makes of mails that came back: typical ones of many mail systems, hostile ones, and any bytes at all.

use std::fs;
use std::path::{Path, PathBuf};

use fristd::domain::Mailbox;
use fristd::domain::bounce::{Names, ReportKind, Verdict, judge};
use fristd::mail::{RETURNED_BYTES_MAX, Unreadable, read_returned};
use proptest::prelude::*;

const ID: &str = "0123456789abcdef0123456789abcdef@zrk-nrw.example";
const HARD: Verdict = Verdict::Hard;
const LOST: Verdict = Verdict::Soft { is_final: true };
const DELAYED: Verdict = Verdict::Soft { is_final: false };

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/returned")
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).expect("the fixture is there")
}

fn mailbox() -> Mailbox {
    Mailbox::parse("rueckkehr@essen.example").expect("an address")
}

#[test]
fn reports_of_many_mail_systems_are_understood() {
    let check = |name: &str, verdict: Verdict, names: Names, status: &str, words: &str| {
        let returned = read_returned(&fixture(name)).expect(name);
        let judged = judge(&returned, Some(&mailbox()));
        let found = judged.status.map(|status| status.to_string()).unwrap_or_default();
        assert_eq!((judged.verdict, judged.names, found.as_str()), (verdict, names, status), "{name}: {judged:?}");
        assert!(judged.diagnostic.contains(words), "{name}: {:?}", judged.diagnostic);
        let id = returned.returned_ids.first().or(returned.answered_ids.first());
        assert_eq!(id.map(String::as_str), Some(ID), "{name}: {returned:?}");
    };
    use Names::{Mailbox, Others};
    check("postfix-unknown-user.eml", HARD, Mailbox, "5.1.1", "Recipient address rejected: User unknown");
    check("postfix-mailbox-full.eml", LOST, Mailbox, "5.2.2", "552 5.2.2");
    check("postfix-expired.eml", LOST, Mailbox, "4.4.1", "Connection timed out");
    check("postfix-delayed.eml", DELAYED, Mailbox, "4.4.1", "");
    check("postfix-forwarded.eml", HARD, Others, "5.1.1", "user unknown");
    check("exim-unrouteable.eml", HARD, Mailbox, "5.0.0", "");
    check("exim-old-text.eml", HARD, Mailbox, "5.1.1", "550 5.1.1 unknown user");
    check("m365-not-found.eml", HARD, Mailbox, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound");
    check("gmail-full.eml", LOST, Mailbox, "5.2.2", "over quota");
    check("gateway-base64.eml", HARD, Mailbox, "5.1.1", "");
    check("qmail.eml", HARD, Mailbox, "5.1.1", "sorry, no mailbox here by that name. (#5.1.1)");
    check("exchange-text.eml", HARD, Mailbox, "5.1.1", "#5.1.1");
    check("forged-other-recipient.eml", HARD, Others, "5.1.1", "");
    check("hostile-fields.eml", HARD, Mailbox, "5.0.0", "<script>");
}

#[test]
fn what_is_no_bounce_is_told_apart() {
    let check = |name: &str, why: &'static str| {
        let returned = read_returned(&fixture(name)).expect(name);
        assert_eq!(judge(&returned, Some(&mailbox())).verdict, Verdict::NotABounce(why), "{name}");
        if returned.report != ReportKind::Delivery {
            assert_eq!(judge(&returned, None).verdict, Verdict::NotABounce(why), "{name}, whomever it is about");
        }
    };
    check("out-of-office.eml", "an automatic answer");
    check("vacation-without-mark.eml", "an automatic answer");
    check("auto-responder.eml", "an automatic answer");
    check("answer-of-a-person.eml", "a mail that somebody wrote");
    check("read-receipt.eml", "a read receipt");
    check("postfix-delivered.eml", "a report of success");
    check("no-mail.eml", "a mail that somebody wrote");
    assert_eq!(read_returned(&fixture("empty.eml")), Err(Unreadable::NoMail));
    assert_eq!(fs::read_dir(folder()).expect("the fixtures").count(), 22, "each fixture is checked");
}

#[test]
fn nothing_that_is_kept_has_control_characters_or_turns_its_direction() {
    let returned = read_returned(&fixture("hostile-fields.eml")).expect("a mail");
    for text in [&returned.subject, &returned.recipients[0].diagnostic] {
        assert!(!text.chars().any(|c| c.is_control() || "\u{202e}\u{2028}".contains(c)), "{text:?}");
    }
    assert_eq!(returned.subject, "Undelivered Mail");
}

/// A report with something in the place of the returned mail.
fn report_with(returned: &str) -> String {
    let report = String::from_utf8(fixture("postfix-expired.eml")).expect("UTF-8");
    let (report, _) = report.split_once("Sehr geehrte").expect("the returned mail's text");
    format!("{report}{returned}\r\n--=_b1--\r\n")
}

#[test]
fn size_and_depth_do_not_matter() {
    let check = |label: &str, mail: &str, verdict: Option<Verdict>| {
        let returned = read_returned(mail.as_bytes()).expect(label);
        let judged = judge(&returned, Some(&mailbox())).verdict;
        match verdict {
            Some(verdict) => assert_eq!(judged, verdict, "{label}"),
            None => assert!(matches!(judged, Verdict::NotABounce(_)), "{label}: {judged:?}"),
        }
        assert!(returned.text.len() <= 64 * 1024 && returned.recipients.len() <= 50, "{label}");
    };
    let five_megabytes = "0123456789abcdef\r\n".repeat(5 * 1024 * 1024 / 18);
    check("five megabytes come back", &report_with(&five_megabytes), Some(LOST));
    let nested = |kind: &str| format!("Content-Type: {kind}\r\n\r\n");
    check("mails within mails", &nested("message/rfc822").repeat(9_000), None);
    check("lists within lists", &nested("multipart/digest; boundary=a\r\n\r\n--a").repeat(6_000), None);
    let base64 =
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQ29udGVudC1UeXBlOiBtZXNz\r\n";
    let thousand = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK".repeat(5_000); // Content-Type: message/rfc822
    let deep = format!("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{thousand}\r\n");
    check("mails within an encoded mail", &deep, None);
    check("encoded mails", &report_with(&base64.repeat(1_000)), Some(LOST));
    let parts = "--=_b1\r\nContent-Type: multipart/mixed; boundary=never\r\n\r\nx\r\n".repeat(4_000);
    check("thousands of parts", &report_with(&format!("\r\n{parts}")), Some(LOST));
    let recipients = "\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n".repeat(3_000);
    let report = format!(
        "From: mailer-daemon@x.example\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\
         Content-Type: message/delivery-status\r\n\r\n{recipients}\r\n--b--\r\n"
    );
    check("thousands of recipients", &report, Some(HARD));
    let silent = |piece: &str| report.replacen("\r\nFinal", &format!("\r\n{}Final", piece.repeat(40_000)), 1);
    check("thousands of groups that say nothing", &silent("a:\r\n\r\n"), None);
    check("thousands of blank lines", &silent("\r\n"), Some(HARD));
    check("a header without an end", &format!("Subject: {}", "a".repeat(RETURNED_BYTES_MAX * 2)), None);
    check("a hundred thousand headers", &"A: b\r\n".repeat(100_000), None);
    check("one long line", &format!("From: mailer-daemon@x.example\r\n\r\n{}", "550 ".repeat(200_000)), Some(HARD));
}

fn any_fixture() -> impl Strategy<Value = Vec<u8>> {
    let mut names: Vec<_> =
        fs::read_dir(folder()).expect("the fixtures").map(|entry| entry.expect("one").path()).collect();
    names.sort();
    proptest::sample::select(names).prop_map(|path| fs::read(path).expect("the fixture can be read"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_ne!(read_returned(&bytes), Err(Unreadable::Broken));
    }

    #[test]
    fn any_broken_report_is_read_without_a_panic(
        mail in any_fixture(),
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0..40_usize, any::<Vec<u8>>()), 0..8),
    ) {
        let mut mail = mail;
        for (at, length, new) in cuts {
            let at = if mail.is_empty() { 0 } else { at.index(mail.len()) };
            let end = (at + length).min(mail.len());
            mail.splice(at..end, new.into_iter().take(50));
        }
        let returned = read_returned(&mail);
        prop_assert_ne!(&returned, &Err(Unreadable::Broken));
        if let Ok(returned) = returned {
            let judged = judge(&returned, Some(&mailbox()));
            prop_assert!(judged.diagnostic.chars().count() <= 500);
            prop_assert!(!judged.diagnostic.chars().any(char::is_control));
        }
    }

    #[test]
    fn any_two_reports_put_together_are_read_without_a_panic(one in any_fixture(), two in any_fixture(), at in any::<proptest::sample::Index>()) {
        let cut = if one.is_empty() { 0 } else { at.index(one.len()) };
        let mail: Vec<u8> = one[..cut].iter().chain(&two).copied().collect();
        prop_assert_ne!(read_returned(&mail), Err(Unreadable::Broken));
    }
}
