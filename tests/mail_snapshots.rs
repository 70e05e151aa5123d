//! Whole mails of every kind and shape as they are sent, dates included. A changed word shows up here first.

use fristd::domain::Mailbox;
use fristd::mail::{Attachment, Draft, Templates, build, calendar_entry, samples};

#[test]
fn every_kind_and_shape_says_what_was_agreed() {
    let templates = Templates::load(None).unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, letter) in samples::named_letters() {
            let mail = templates.render(&letter, letter.kind.as_str()).unwrap();
            // the head is the same in all and has a snapshot of its own in the whole mail below
            let body = mail.html.split_once("</head>").unwrap().1;
            let title = mail.html.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
            insta::assert_snapshot!(name, format!("Subject: {}\n\n{}\n----- {title}\n{body}", mail.subject, mail.text));
        }
    });
}

#[test]
fn a_whole_mail_with_a_calendar_entry_is_these_bytes() {
    let templates = Templates::load(None).unwrap();
    let letter = &samples::letters()[0];
    let mail = templates.render(letter, "announcement").unwrap();
    let date = "2026-12-01T08:00:00Z".parse().unwrap();
    let calendar = calendar_entry(letter, "2026-12-planning-musterau@zrk.example", date).unwrap();
    let from = Mailbox::parse("frist@zrk.example").unwrap();
    let to = Mailbox::parse("abh@musterau.example").unwrap();
    let id = format!("<{}@zrk.example>", "0123456789abcdef".repeat(4));
    let bytes = build(&Draft {
        from: &from,
        from_name: "Zentrale Rückkehrkoordination NRW",
        reply_to: None,
        to: &to,
        to_name: "Kreis Musterau, Ausländerbehörde",
        subject: &mail.subject,
        text: &mail.text,
        html: &mail.html,
        message_id: &id,
        references: None,
        date,
        attachments: &[Attachment::calendar(calendar)],
    })
    .unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    settings.bind(|| insta::assert_snapshot!("whole-mail", text));
}
