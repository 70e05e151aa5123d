//! Tests what a mail's bytes promise: no injected header, 7-bit, the same again. Never renders a template.

use proptest::prelude::*;

use super::*;

fn mailbox(address: &str) -> Mailbox {
    Mailbox::parse(address).unwrap()
}

struct Parts {
    from: Mailbox,
    to: Mailbox,
}

impl Parts {
    fn new() -> Self {
        Self { from: mailbox("frist@zrk.example"), to: mailbox("abh@musterau.example") }
    }

    fn draft(&self) -> Draft<'_> {
        Draft {
            from: &self.from,
            from_name: "ZRK Nordrhein-Westfalen",
            reply_to: None,
            to: &self.to,
            to_name: "",
            subject: "[Frist 15. Dezember 2026] APS-Planungsmodul Dezember 2026 – Az. 523-26.19.01-000001",
            text: "Sehr geehrte Damen und Herren,\n\n.\nein Punkt allein\n",
            html: "<!doctype html><html lang=\"de\"><p>Grüße</p></html>\n",
            message_id: "<0123abcd@zrk.example>",
            references: None,
            date: "2026-12-01T08:00:00Z".parse().unwrap(),
            attachments: &[],
        }
    }
}

fn built(draft: &Draft<'_>) -> String {
    String::from_utf8(build(draft).unwrap()).unwrap()
}

/// The header block, unfolded.
fn headers(mail: &str) -> Vec<String> {
    let block = mail.split("\r\n\r\n").next().unwrap();
    block.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n").map(String::from).collect()
}

#[test]
fn a_mail_has_the_headers_of_m3() {
    let parts = Parts::new();
    let reply_to = mailbox("fragen@zrk.example");
    let draft = Draft { references: Some("<announcement@zrk.example>"), reply_to: Some(&reply_to), ..parts.draft() };
    let headers = headers(&built(&draft));
    for want in [
        "From: \"ZRK Nordrhein-Westfalen\" <frist@zrk.example>",
        "To: abh@musterau.example",
        "Reply-To: fragen@zrk.example",
        "Date: Tue, 01 Dec 2026 08:00:00 +0000",
        "Message-ID: <0123abcd@zrk.example>",
        "References: <announcement@zrk.example>",
        "In-Reply-To: <announcement@zrk.example>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: OOF, AutoReply",
        "MIME-Version: 1.0",
    ] {
        assert!(headers.iter().any(|header| header == want), "{want} not in {headers:#?}");
    }
}

#[test]
fn the_same_draft_gives_the_same_bytes_and_another_id_other_boundaries() {
    let parts = Parts::new();
    let calendar = [Attachment::calendar("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned())];
    let draft = Draft { attachments: &calendar, ..parts.draft() };
    assert_eq!(build(&draft).unwrap(), build(&draft).unwrap());
    let other = Draft { message_id: "<other@zrk.example>", ..draft.clone() };
    let boundary = |mail: &str| mail.split("boundary=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_ne!(boundary(&built(&draft)), boundary(&built(&other)));
}

#[test]
fn a_calendar_entry_is_attached_beside_the_alternatives() {
    let parts = Parts::new();
    let calendar = [Attachment::calendar("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned())];
    let mail = built(&Draft { attachments: &calendar, ..parts.draft() });
    let at = |text: &str| mail.find(text).unwrap_or_else(|| panic!("{text} not in\n{mail}"));
    assert!(at("multipart/mixed") < at("multipart/alternative"));
    assert!(at("multipart/alternative") < at("text/plain"));
    assert!(at("text/plain") < at("text/html"));
    assert!(at("text/html") < at("text/calendar; charset=utf-8; method=PUBLISH"));
    assert!(mail.contains("Content-Disposition: attachment; filename=\"frist.ics\""), "{mail}");
}

#[test]
fn every_byte_of_an_attached_file_arrives() {
    let parts = Parts::new();
    let every_byte: Vec<u8> = (0..=u8::MAX).chain(*b"\r\n.\r\n").collect();
    let file = |name: &str, bytes: &[u8]| Attachment {
        file_name: name.to_owned(),
        media_type: "application/pdf",
        bytes: bytes.to_vec(),
    };
    let files = [file("a.pdf", &every_byte), file("b.pdf", b"text\nthat a line break of a mail must not change\r\n")];
    let bytes = build(&Draft { attachments: &files, ..parts.draft() }).unwrap();
    let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
    use mail_parser::MimeHeaders;
    let found: Vec<_> = mail.attachments().map(|part| (part.attachment_name().unwrap(), part.contents())).collect();
    assert_eq!(found, [("a.pdf", &*files[0].bytes), ("b.pdf", &*files[1].bytes)]);
}

#[test]
fn the_name_of_a_file_stands_in_one_piece_and_ends_no_header() {
    let parts = Parts::new();
    let check = |file_name: &str, want: &str| {
        let bytes = vec![1];
        let files = [Attachment { file_name: file_name.to_owned(), media_type: "application/pdf", bytes }];
        let mail = built(&Draft { attachments: &files, ..parts.draft() });
        assert!(mail.contains(want), "{file_name}: {mail}");
    };
    check("a.pdf", "Content-Disposition: attachment; filename=\"a.pdf\"\r\n");
    let long = "Ausstehende-Meldungen_Duesseldorf_Statistik_2026-11_2026-12-17.xlsx";
    check(long, &format!("Content-Disposition: attachment;\r\n filename=\"{long}\"\r\n"));
    check("a\"\r\nBcc: x@y.example", "Content-Disposition: attachment; filename=\"a---Bcc--x-y.example\"\r\n");
}

#[test]
fn a_control_character_in_any_header_is_refused() {
    let parts = Parts::new();
    for bad in ["a\rb", "a\nb", "a\r\nBcc: x@y.example", "a\0b", "a\u{1b}b", "a\u{85}b", "a\u{2028}b", "a\tb"] {
        let check = |header: &str, draft: Draft<'_>| {
            let error = build(&draft).expect_err(header);
            assert!(error.to_string().starts_with(header), "{header} {bad:?}: {error}");
        };
        check("Subject", Draft { subject: bad, ..parts.draft() });
        check("From", Draft { from_name: bad, ..parts.draft() });
        check("To", Draft { to_name: bad, ..parts.draft() });
        check("Message-ID", Draft { message_id: bad, ..parts.draft() });
        check("References", Draft { references: Some(bad), ..parts.draft() });
    }
}

#[test]
fn an_id_is_one_id() {
    let parts = Parts::new();
    let check =
        |id: &str, good: bool| assert_eq!(build(&Draft { message_id: id, ..parts.draft() }).is_ok(), good, "{id:?}");
    check("<a@b.example>", true);
    check("a@b.example", false);
    check("<a@b.example> <c@d.example>", false);
    check("<a b@c.example>", false);
    check("<ä@b.example>", false);
    check("<@b.example>", false);
    check("<a@b@c.example>", false);
    check("", false);
}

#[test]
fn what_is_blank_or_out_of_range_is_refused() {
    let parts = Parts::new();
    let check = |want: &str, draft: Draft<'_>| {
        let error = build(&draft).expect_err(want).to_string();
        assert!(error.contains(want), "{error}");
    };
    check("the subject is empty", Draft { subject: " ", ..parts.draft() });
    check("the text part is empty", Draft { text: "\n", ..parts.draft() });
    check("the HTML part is empty", Draft { html: "", ..parts.draft() });
    check("a year from 1970", Draft { date: DateTime::<Utc>::MIN_UTC, ..parts.draft() });
    check("at most 998", Draft { subject: &"x".repeat(2000), ..parts.draft() });
}

proptest! {
    #[test]
    fn no_value_can_add_a_header_or_leave_seven_bits(
        subject in any::<String>(),
        from_name in any::<String>(),
        to_name in "\\PC{0,80}",
        references in proptest::option::of("<[!-~]{1,20}@[!-~]{1,20}>"),
        text in any::<String>(),
    ) {
        let parts = Parts::new();
        let mut draft = parts.draft();
        let wanted = headers(&built(&draft)).len() + if references.is_some() { 2 } else { 0 };
        draft.subject = &subject;
        draft.from_name = &from_name;
        draft.to_name = &to_name;
        draft.references = references.as_deref();
        draft.text = &text;
        let has_control = [&subject, &from_name, &to_name].iter().any(|value| value.chars().any(char::is_control));
        match build(&draft) {
            Err(_) => {}
            Ok(bytes) => {
                prop_assert!(!has_control);
                prop_assert!(bytes.is_ascii());
                let mail = String::from_utf8(bytes).unwrap();
                prop_assert_eq!(headers(&mail).len(), wanted, "{}", mail);
                for line in mail.split("\r\n") {
                    prop_assert!(line.len() <= 998 && !line.contains('\r') && !line.contains('\n'), "{:?}", line);
                }
            }
        }
    }

    #[test]
    fn a_visible_name_is_never_refused(name in "[A-Za-zÄÖÜäöüß0-9 .,;:()\"'@<>&/–-]{0,60}") {
        let parts = Parts::new();
        let outcome = build(&Draft { to_name: &name, from_name: &name, ..parts.draft() });
        prop_assert!(outcome.is_ok(), "{:?}", outcome);
    }
}
