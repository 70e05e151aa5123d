//! A month with 17 silent authorities: every report, summary and all-clear, read as the offices read it. Dates never masked.
//!
//! After a change that is meant, `INSTA_UPDATE=always cargo test --test month_of_reports` writes the record anew; read the
//! difference before you commit it.

use std::path::Path;

use fristd::daemon::Charter;
use fristd::daemon::clock::Clock;
use fristd::daemon::event::{Event, What};
use fristd::daemon::scenario::Scenario;
use fristd::daemon::simulation::Simulation;
use fristd::domain::NoticeKind;
use fristd::domain::dates::instant;
use fristd::mail::DirectoryTransport;
use fristd::settings::Source;
use fristd::store::{Durability, Store};
use mail_parser::MessageParser;

/// What offices got about December's statistics, in order of time: to whom, the subject and the text part.
async fn played() -> Vec<(String, String, String)> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let text = std::fs::read_to_string(scenarios.join("seventeen-silent.txt")).unwrap();
    let scenario = Scenario::parse("seventeen-silent.txt", &text).unwrap();
    let charter = Charter::load(&Source::Folder(scenarios.join("seventeen")), 1).unwrap();
    let from = instant(charter.settings.rulebook.zone, scenario.from);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("f.sqlite"), Durability::Scratch, from).await.unwrap();
    let mails = folder.path().join("mails");
    let transport = DirectoryTransport::new(mails.clone());
    let folders = vec![scenarios];
    let simulation = Simulation { store: &store, charter, clock: Clock::virtual_at(from), transport, folders };
    let mut events: Vec<Event> = Vec::new();
    simulation.play(&scenario, |event, _| events.push(event.clone()), |_| ()).await.unwrap();
    let parsed: Vec<_> = std::fs::read_dir(&mails)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .map(|bytes| MessageParser::default().parse(&bytes).unwrap().into_owned())
        .collect();
    let is_meant = |event: &&Event| {
        event.what == What::Sent
            && event.month.to_string() == "2026-12"
            && event.duty.as_deref() == Some("statistics")
            && matches!(event.kind, NoticeKind::Escalation | NoticeKind::Summary | NoticeKind::AllClear)
    };
    let told = events.iter().filter(is_meant).map(|event| {
        let id = event.message_id.as_deref().unwrap().trim_matches(['<', '>']);
        let mail = parsed.iter().find(|mail| mail.message_id() == Some(id)).expect("the mail was written");
        let text = mail.body_text(0).unwrap().replace("\r\n", "\n");
        let to = event.to.as_ref().unwrap().to_string();
        (to, mail.subject().unwrap().to_owned(), text)
    });
    told.collect()
}

#[tokio::test]
async fn seventeen_silent_authorities_are_told_as_an_official_can_work_from_it() {
    let mails = played().await;
    let first: Vec<&str> = mails.iter().take(5).map(|(to, ..)| to.as_str()).collect();
    let districts = ["arnsberg", "detmold", "duesseldorf", "koeln", "muenster"];
    assert_eq!(first, districts.map(|district| format!("rrk@{district}.example")), "each district gets its own");
    let told = mails.iter().map(|(to, subject, text)| format!("To: {to}\nSubject: {subject}\n\n{text}"));
    let told = told.collect::<Vec<_>>().join(&format!("\n{}\n\n", "=".repeat(76)));
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("scenarios");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("seventeen-silent", told));
}
