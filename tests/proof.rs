//! `fristd proof` and `fristd outbox show` on a month in which everything happened (M7). Never masks a date.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::answer::{Answer, assert_keys};
use support::site::{Site, text};
use support::story::{REFUSED, eventful, played};

const ESSEN: &str = "abh-05113-essen";
const METTMANN: &str = "abh-05158-kreis-mettmann";
const ALL: [&str; 5] = [ESSEN, "abh-05114-krefeld", "abh-05314-bonn", METTMANN, "zab-05315-koeln"];

fn proof(site: &Site, authority: &str, further: &[&str]) -> Answer {
    Answer::at(site, &[&["proof", "2026-12", "--authority", authority], further].concat())
}

/// Hashes, sizes and the second of asking hang on templates and machines; dates do not.
fn masked(text: &str) -> String {
    let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mask = |line: &str| {
        if let Some((name, _)) = line.split_once("Erstellt:") {
            return format!("{name}Erstellt:         …");
        }
        let line = match line.split_once(" Bytes") {
            Some((before, after)) => {
                format!("{} … Bytes{after}", before.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end())
            }
            None => line.to_owned(),
        };
        let line = line.split_once("Eintrag ").map_or(line.clone(), |(before, _)| format!("{before}Eintrag …"));
        line.split(' ').map(|word| if is_hash(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(mask).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_proof_of_one_authority_tells_its_month_in_german() {
    let site = eventful();
    let said = proof(&site, METTMANN, &[]).done();
    let verified = Answer::at(&site, &["audit", "verify", "--json"]).json();
    let head = format!("Eintrag {}, SHA-256 {}", verified["head"]["number"], text(&verified["head"]["hash"]));
    assert!(said.contains(&head), "the head at that instant: {head}\n{said}");
    insta::assert_snapshot!("proof_of_mettmann", masked(&said));
    insta::assert_snapshot!("proof_of_essen", masked(&proof(&site, ESSEN, &["--duty", "planning"]).done()));
}

#[test]
fn a_proof_names_no_mailbox_of_another_authority() {
    let site = eventful();
    let contacts = site.read("contacts.csv");
    let mailboxes = |owner: &str| -> BTreeSet<String> {
        let of = contacts.lines().filter(|line| line.starts_with(&format!("{owner},")));
        of.filter_map(|line| line.split(',').nth(1)).map(str::to_owned).collect()
    };
    for authority in ALL {
        let mut said = proof(&site, authority, &[]).done();
        said += &proof(&site, authority, &["--json"]).done();
        let own = mailboxes(authority);
        assert!(own.iter().any(|mailbox| said.contains(mailbox.as_str())), "{authority}: its own is named");
        for other in ALL.into_iter().filter(|other| *other != authority) {
            for mailbox in mailboxes(other).difference(&own) {
                assert!(!said.contains(mailbox.as_str()), "{authority}: names {mailbox}\n{said}");
            }
        }
    }
}

#[test]
fn the_json_of_a_proof_holds_every_fact() {
    let site = eventful();
    let value = proof(&site, ESSEN, &["--json"]).json();
    let keys = ["authority", "name", "district", "month", "produced_at", "instance", "log_head", "duties"];
    assert_keys(&value, &keys);
    assert_eq!((&value["name"], &value["district"]), (&json!("Stadt Essen"), &json!("duesseldorf")));
    assert_keys(&value["instance"], &["version", "sender", "from", "made_at", "first_hash"]);
    let planning = &value["duties"][0];
    let keys = [
        "duty",
        "title",
        "period",
        "owed",
        "stated_on",
        "ends_on",
        "revisions",
        "sent",
        "not_sent",
        "skipped",
        "receipts",
        "standing",
        "since",
        "in_time",
    ];
    assert_keys(planning, &keys);
    assert_eq!((&planning["duty"], &planning["ends_on"]), (&json!("planning"), &json!("2026-12-17")));
    assert_eq!(planning["revisions"].as_array().map(Vec::len), Some(2));
    assert_eq!(planning["revisions"][1]["reason"], "Der Datenimport hat sich um zwei Tage verzögert.");
    let sent = planning["sent"].as_array().expect("notices");
    let kinds: BTreeSet<String> = sent.iter().map(|notice| text(&notice["kind"])).collect();
    let wanted = ["announcement", "correction", "escalation", "overdue", "reminder"].map(str::to_owned);
    assert_eq!(kinds, BTreeSet::from(wanted));
    for notice in sent {
        let keys = [
            "id",
            "step",
            "kind",
            "kind_in_words",
            "revision",
            "to",
            "office",
            "authorities",
            "due_at",
            "queued_at",
            "state",
            "reason",
            "subject",
            "message_id",
            "accepted_at",
            "attempts",
            "returns",
        ];
        assert_keys(notice, &keys);
        let is_escalation = notice["kind"] == "escalation";
        assert_eq!(notice["office"] == "rrk-duesseldorf", is_escalation, "{notice}");
        for attempt in notice["attempts"].as_array().expect("attempts") {
            let keys = ["number", "handed_over_at", "ended_at", "outcome", "reply", "sha256", "bytes", "kept"];
            assert_keys(attempt, &keys);
        }
    }
    let refused = sent.iter().find(|notice| notice["to"] == REFUSED).expect("one was refused");
    assert_eq!(refused["state"], "rejected");
    assert!(text(&refused["attempts"][0]["reply"]).contains("550 5.1.1"), "{refused}");
    assert_eq!(refused["attempts"][0]["handed_over_at"], Value::Null);
    let mettmann = proof(&site, METTMANN, &["--json"]).json();
    let returned: Vec<Value> = mettmann["duties"]
        .as_array()
        .expect("duties")
        .iter()
        .flat_map(|duty| duty["sent"].as_array().cloned().unwrap_or_default())
        .collect();
    assert!(returned.iter().any(|notice| notice["returns"][0]["verdict"] == "hard"), "{returned:?}");
    let koeln = proof(&site, "zab-05315-koeln", &["--json"]).json();
    let withdrawn = &koeln["duties"][0]["not_sent"][0];
    assert_eq!(withdrawn["state"], "withdrawn", "{koeln}");
    assert!(text(&withdrawn["reason"]).starts_with("reported on 10 December 2026"), "{withdrawn}");
}

#[test]
fn mails_are_written_byte_for_byte_and_nothing_is_overwritten() {
    let site = eventful();
    let folder = site.path("mails");
    let eml = ["--duty", "planning", "--json", "--eml", &folder.display().to_string()];
    let answer = proof(&site, ESSEN, &eml);
    assert_eq!(answer.code, 0, "{}", answer.complained);
    assert!(answer.complained.contains("to offices left out"), "{}", answer.complained);
    let value: Value = serde_json::from_str(&answer.said).expect("JSON");
    let sent = value["duties"][0]["sent"].as_array().expect("notices");
    let own = sent.iter().filter(|notice| notice["office"].is_null());
    let hashes: BTreeSet<String> = own
        .flat_map(|notice| notice["attempts"].as_array().cloned().unwrap_or_default())
        .filter(|attempt| attempt["kept"] == true)
        .map(|attempt| text(&attempt["sha256"]))
        .collect();
    let files: Vec<std::path::PathBuf> =
        std::fs::read_dir(&folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    let written: BTreeSet<String> = files
        .iter()
        .map(|file| {
            Sha256::digest(std::fs::read(file).expect("a mail")).iter().map(|byte| format!("{byte:02x}")).collect()
        })
        .collect();
    assert_eq!(written, hashes);
    assert!(files.len() > 3, "{files:?}");
    for file in &files {
        let name = file.file_name().expect("a name").to_string_lossy();
        assert!(name.starts_with("2026-12_planning_") && name.ends_with(".eml"), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "+-_.".contains(c)), "{name}");
    }
    assert_eq!(proof(&site, ESSEN, &eml).code, 0, "the same once more");
    std::fs::write(&files[0], "something else").expect("written");
    proof(&site, ESSEN, &eml).refused(2, &["is there already with another content"]);
}

#[test]
fn what_cannot_be_proved_is_said_with_what_is_near() {
    let site = eventful();
    for (arguments, code, words) in [
        (&["proof", "2026-12", "--authority", "abh-05113-esen"][..], 2, "near: abh-05113-essen"),
        (&["proof", "2026-13", "--authority", ESSEN], 2, "is not a month"),
        (&["proof", "2026-12", "--authority", ESSEN, "--duty", "planing"], 2, "known: planning, statistics"),
        (&["proof", "2026-10", "--authority", ESSEN], 3, "nothing was announced, sent or recorded in 2026-10"),
        (&["proof", "2026-12"], 2, "--authority"),
    ] {
        Answer::at(&site, arguments).refused(code, &[words]);
    }
    let help = Answer::at(&site, &["proof", "--help"]).done();
    assert!(help.contains("Examples:") && help.contains("--eml essen-mails"), "{help}");
    // one who has left keeps its proof
    site.write(
        "authorities.csv",
        &site
            .read("authorities.csv")
            .lines()
            .filter(|line| !line.starts_with("abh-05314"))
            .collect::<Vec<_>>()
            .join("\n"),
    );
    site.write(
        "contacts.csv",
        &site.read("contacts.csv").lines().filter(|line| !line.starts_with("abh-05314")).collect::<Vec<_>>().join("\n"),
    );
    let said = proof(&site, "abh-05314-bonn", &[]).done();
    assert!(said.contains("(nicht mehr im Verzeichnis) (abh-05314-bonn)"), "{said}");
}

#[test]
fn a_mail_that_retention_removed_leaves_its_hash_and_size() {
    let site = played("", "2026-12-02 00:00", "small");
    let listed = Answer::at(&site, &["outbox", "list", "--to", "rueckkehr@bonn.example", "--json"]).json();
    let id = text(&listed[0]["id"]);
    let show = |further: &[&str]| Answer::at(&site, &[&["outbox", "show", &id], further].concat());
    let before = show(&["--json"]).json();
    let attempt = &before["attempts"][0];
    let keys = ["number", "at", "outcome", "handed_over_at", "reply", "sha256", "bytes", "kept"];
    assert_keys(attempt, &keys);
    assert_eq!((&attempt["kept"], &attempt["handed_over_at"]), (&json!(true), &json!("2026-12-01T09:00:00+01:00")));
    let file = site.path("bonn.eml").display().to_string();
    assert_eq!(show(&["--save", &file]).done(), "");
    assert_eq!(site.read("bonn.eml"), show(&["--mail"]).done());
    assert_eq!(attempt["bytes"], site.read("bonn.eml").len());
    let said = show(&[]).done();
    assert!(said.contains("  handed over\n") && said.contains(" bytes, kept (--mail prints it)"), "{said}");
    site.execute("UPDATE attempts SET mail = NULL");
    show(&["--mail"]).refused(3, &["no longer kept"]);
    let after = show(&["--json"]).json();
    assert_eq!((&after["attempts"][0]["kept"], &after["attempts"][0]["bytes"]), (&json!(false), &attempt["bytes"]));
    assert!(show(&[]).done().contains("the mail is no longer kept; its SHA-256 and size stay"));
    let proved = proof(&site, "abh-05314-bonn", &[]).done();
    assert!(proved.contains("nicht mehr aufbewahrt; Prüfsumme"), "{proved}");
    assert_eq!(Answer::at(&site, &["audit", "verify"]).code, 0, "that a mail is gone is no fault");
}

/// What one of poppler's programs says of a PDF.
fn poppler(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output().expect("poppler-utils are installed");
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn without_space(text: &str) -> String {
    text.split_whitespace().collect()
}

/// All strings below these fields, at any depth.
fn strings(value: &Value, fields: &[&str]) -> Vec<String> {
    let below = |values: Vec<&Value>| values.into_iter().flat_map(|value| strings(value, fields)).collect::<Vec<_>>();
    match value {
        Value::Array(values) => below(values.iter().collect()),
        Value::Object(map) => {
            let named = map.iter().filter(|(name, _)| fields.contains(&name.as_str()));
            let mut found: Vec<String> = named.filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect();
            found.extend(below(map.values().collect()));
            found
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_pdf_of_a_proof_says_what_its_text_says() {
    let site = eventful();
    let file = site.path("proof.pdf").display().to_string();
    for authority in ALL {
        assert_eq!(proof(&site, authority, &["--pdf", &file]).done(), format!("written: {file}\n"));
        let said = without_space(&poppler("pdftotext", &["-raw", &file, "-"]));
        let value = proof(&site, authority, &["--json", "--pdf", &file]).json();
        let sent: Value = value["duties"].as_array().expect("duties").iter().map(|duty| duty["sent"].clone()).collect();
        let facts = strings(&sent, &["message_id", "sha256", "to", "reply", "subject"]);
        assert!(facts.len() > 10, "{authority}: {facts:?}");
        for fact in facts {
            assert!(said.contains(&without_space(&fact)), "{authority}: {fact} is in the PDF\n{said}");
        }
        let head = format!("Eintrag{},SHA-256{}", value["log_head"]["number"], text(&value["log_head"]["hash"]));
        assert!(said.contains(&head), "{authority}: {head}");
        let title = format!("NachweisdesVersands:{},Dezember2026", without_space(&text(&value["name"])));
        assert!(said.contains(&title), "{authority}: {title}");
        let about = poppler("pdfinfo", &[&file]);
        let field = |name: &str| {
            let line = about.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {about}")).trim().to_owned()
        };
        assert_eq!(field("Tagged:"), "yes", "{about}");
        let pages: usize = field("Pages:").parse().expect("a number");
        let notices = strings(&sent, &["message_id"]).len();
        assert!(pages >= 2 && pages <= 2 + notices / 2, "{authority}: {pages} pages for {notices} notices");
        if let Some(folder) = std::env::var_os("PROOFS") {
            std::fs::copy(&file, Path::new(&folder).join(format!("{authority}.pdf"))).expect("copied");
        }
    }
}

#[test]
fn a_pdf_replaces_a_file_and_nothing_else() {
    let site = eventful();
    let at = |name: &str| site.path(name).display().to_string();
    site.write("proof.pdf", "older");
    let answer = proof(&site, ESSEN, &["--pdf", &at("proof.pdf"), "--eml", &at("mails")]);
    assert_eq!((answer.code, &*answer.said), (0, &*format!("written: {}\n", at("proof.pdf"))), "{}", answer.complained);
    assert!(std::fs::read(site.path("proof.pdf")).expect("a file").starts_with(b"%PDF-"));
    assert!(std::fs::read_dir(site.path("mails")).expect("the folder").count() > 3, "--eml goes with it");
    site.write("victim", "keep");
    std::fs::create_dir(site.path("folder")).expect("made");
    std::os::unix::fs::symlink(site.path("victim"), site.path("link")).expect("made");
    for (name, words) in
        [("link", "is a link"), ("folder", "is a folder"), ("missing/a.pdf", "its folder is not there")]
    {
        proof(&site, ESSEN, &["--pdf", &at(name)]).refused(2, &[words]);
    }
    assert_eq!(site.read("victim"), "keep");
    // where there is nothing to prove there is no file
    Answer::at(&site, &["proof", "2026-10", "--authority", ESSEN, "--pdf", &at("none.pdf")])
        .refused(3, &["nothing was"]);
    assert!(!site.path("none.pdf").exists());
}
