//! The chained log on a real database: what is in it, what is not, and that nothing can be done to it unseen (M7, M8).

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use fristd::store::{Audit, ChainFaultKind, LogEntry, LogHead, Store};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use support::answer::{Answer, assert_keys};
use support::site::Site;
use support::story::{REFUSED, eventful};

/// A site's database, to be manipulated and examined.
struct Tampered {
    store: Store,
    raw: SqliteConnection,
}

impl Tampered {
    async fn of(site: &Site) -> Self {
        let options = SqliteConnectOptions::new().filename(site.database()).pragma("synchronous", "OFF");
        let raw = options.connect().await.expect("the database can be opened");
        Self { store: Store::open_to_look(&site.database()).await.expect("a store"), raw }
    }

    async fn execute(&mut self, statement: &str) {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.raw).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    async fn audit(&self, noted: Option<LogHead>) -> Audit {
        self.store.read().await.expect("a transaction").audit(noted).await.expect("examined")
    }

    async fn log(&self) -> Vec<LogEntry> {
        self.store.read().await.expect("a transaction").log().await.expect("the log")
    }

    async fn end(self) {
        self.raw.close().await.expect("closed");
        self.store.close().await;
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

#[test]
fn everything_that_changed_is_logged_and_no_address_is() {
    let site = eventful();
    wait(async {
        let tampered = Tampered::of(&site).await;
        let log = tampered.log().await;
        let events: BTreeSet<&str> = log.iter().map(|entry| entry.event.as_str()).collect();
        for event in [
            "store made",
            "first cycle",
            "duty followed",
            "imported",
            "deadline frozen",
            "deadline corrected",
            "receipt",
            "list read",
            "step planned",
            "queued",
            "handed over",
            "accepted",
            "retry",
            "rejected",
            "uncertain",
            "withdrawn",
            "came back",
            "mailbox flagged",
            "mailbox unflagged",
            "alert",
            "alerts told",
            "paused",
            "resumed",
        ] {
            assert!(events.contains(event), "{event} is not logged: {events:?}");
        }
        for entry in &log {
            let LogEntry { number, facts, .. } = entry;
            assert!(!facts.contains('@'), "entry {number}: {facts}");
            assert!(!facts.contains(".example"), "entry {number}: a domain: {facts}");
            assert!(!facts.contains("monday.csv"), "entry {number}: a file's name: {facts}");
            assert!(!entry.actor.is_empty(), "entry {number} says who");
            let value: Value = serde_json::from_str(facts).expect("facts are JSON");
            let is_of_mail = value.get("attempt").is_some() && value["handed_over"] != false;
            assert!(
                !is_of_mail || value["sha256"].as_str().is_some_and(|hash| hash.len() == 64),
                "entry {number}: {facts}"
            );
        }
        let refused: Vec<&LogEntry> = log.iter().filter(|entry| entry.event == "rejected").collect();
        assert!(refused.iter().any(|entry| entry.facts.contains("\"code\":\"550 5.1.1\"")), "{refused:?}");
        let reason = log.iter().find(|entry| entry.facts.contains("am Telefon")).expect("the receipt's reason");
        assert!(reason.facts.contains("am Telefon, sonst [address]"), "{}", reason.facts);
        let audit = tampered.audit(None).await;
        assert!(audit.is_intact(), "{audit:?}");
        assert!(
            audit.tables.mails > 20 && audit.tables.revisions == 5 && audit.tables.receipts > 5,
            "{:?}",
            audit.tables
        );
        tampered.end().await;
    });
    let replies = site.query("SELECT reply, number FROM attempts WHERE outcome = 'rejected'");
    assert!(replies.iter().any(|(reply, _)| reply.contains(REFUSED)), "the words stay with the attempt: {replies:?}");
}

/// A small generator of numbers that are the same with every run (Steele, Lea, Flood: SplitMix).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What is done to a log of `last` entries: the statements, and which entries may and must be named with which kinds.
struct Manipulation {
    what: String,
    statements: String,
    entries: Vec<i64>,
    kinds: &'static [ChainFaultKind],
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn insert(entry: &LogEntry) -> String {
    let LogEntry { number, actor, event, facts, previous, hash, .. } = entry;
    let texts = [entry.at_in_words(), actor.clone(), event.clone(), facts.clone(), previous.clone(), hash.clone()];
    format!("INSERT INTO log VALUES ({number}, {});", texts.map(|text| quoted(&text)).join(", "))
}

/// Makes room for an entry by giving all from `number` on the next number.
fn move_up(number: i64) -> String {
    format!(
        "UPDATE log SET number = -number WHERE number >= {number}; UPDATE log SET number = 1 - number WHERE number < 0;"
    )
}

fn manipulation(log: &[LogEntry], numbers: &mut Numbers) -> Manipulation {
    use ChainFaultKind::{
        Changed, CutOff, Duplicate, HeadDiffers, HeadMissing, Inserted, Missing, Reordered, Unreadable,
    };
    let last = log.len() as i64;
    // the ends more often than the others: there it is easier to be mistaken
    let index = match numbers.below(10) {
        0 => 0,
        1 | 2 => log.len() - 1,
        _ => numbers.below(log.len() as u64) as usize,
    };
    let (entry, number) = (&log[index], index as i64 + 1);
    let one = |what: &str, statements: String, kinds| Manipulation {
        what: format!("{what} of entry {number}"),
        statements,
        entries: vec![number],
        kinds,
    };
    let set = |assignment: String| format!("UPDATE log SET {assignment} WHERE number = {number}");
    match numbers.below(20) {
        0 => one("actor", set("actor = actor || '.'".into()), &[Changed]),
        1 => one("event", set("event = 'nothing'".into()), &[Changed]),
        2 => one("facts", set("facts = replace(facts, '{', '{ ')".into()), &[Changed]),
        3 => one("time", set("at = '2026-11-30 08:00:00+00:00'".into()), &[Changed]),
        4 => one("previous", set(format!("previous = '{}'", "a".repeat(64))), &[Changed]),
        5 => one("hash", set(format!("hash = '{}'", "b".repeat(64))), &[Changed]),
        6 => one("garbage as time", set("at = 'yesterday'".into()), &[Unreadable]),
        7 => one("bytes as facts", set("facts = x'ff00ff'".into()), &[Unreadable]),
        8 => {
            let far = last + 2 + numbers.below(50) as i64;
            one("a number far off", set(format!("number = {far}")), &[Reordered])
        }
        9 => one("a number below one", set(format!("number = -{number}")), &[Reordered]),
        10 => {
            let mut forged = LogEntry { facts: "{}".into(), ..entry.clone() };
            forged.hash = forged.expected_hash();
            let statements = set(format!("facts = '{{}}', hash = '{}'", forged.hash));
            let is_same = forged.facts == entry.facts;
            match (is_same, number == last) {
                (true, _) => manipulation(log, numbers),
                (_, true) => one("facts, hashed anew,", statements, &[HeadDiffers]),
                _ => one("facts, hashed anew,", statements, &[Changed]),
            }
        }
        11 | 12 => {
            let gone = if number == last { &[CutOff] } else { &[Missing] };
            one("deletion", format!("DELETE FROM log WHERE number = {number}"), gone)
        }
        13 => {
            let mut forged = LogEntry { event: "receipt".into(), facts: "{}".into(), ..entry.clone() };
            forged.hash = forged.expected_hash();
            one("a forged one in the place", move_up(number) + &insert(&forged), &[Inserted])
        }
        14 => {
            let forged = LogEntry { facts: "{}".into(), hash: "c".repeat(64), ..entry.clone() };
            one("a badly forged one in the place", move_up(number) + &insert(&forged), &[Inserted])
        }
        15 => {
            let mut added = LogEntry { number: last + 1, previous: log[log.len() - 1].hash.clone(), ..entry.clone() };
            added.hash = added.expected_hash();
            Manipulation {
                what: "one more at the end".into(),
                statements: insert(&added),
                entries: vec![last + 1],
                kinds: &[Inserted],
            }
        }
        16 => {
            let other = numbers.below(log.len() as u64) as i64 + 1;
            if other == number {
                return manipulation(log, numbers);
            }
            Manipulation {
                what: format!("{number} and {other} in each other's place"),
                statements: format!(
                    "UPDATE log SET number = 0 WHERE number = {number}; UPDATE log SET number = {number} WHERE number = {other};
                     UPDATE log SET number = {other} WHERE number = 0"
                ),
                entries: vec![number.min(other), number, other],
                kinds: &[Reordered],
            }
        }
        17 => {
            let copy = LogEntry { number: number + 1, ..entry.clone() };
            Manipulation {
                what: format!("{number} twice"),
                statements: move_up(number + 1) + &insert(&copy),
                entries: vec![number + 1],
                kinds: &[Duplicate],
            }
        }
        18 => {
            let copy = LogEntry { number: last + 1, ..entry.clone() };
            Manipulation {
                what: format!("a copy of {number} at the end"),
                statements: insert(&copy),
                entries: vec![last + 1],
                // of the last one it is a copy beside it
                kinds: if number == last { &[Duplicate] } else { &[Inserted] },
            }
        }
        _ => {
            let by = 1 + numbers.below(9) as i64;
            let (statements, kinds): (String, &'static [ChainFaultKind]) = match numbers.below(4) {
                0 => (format!("UPDATE log_head SET number = number + {by}"), &[HeadDiffers]),
                1 => (format!("UPDATE log_head SET number = number - {by}"), &[HeadDiffers]),
                2 => (format!("UPDATE log_head SET hash = '{}'", "d".repeat(64)), &[HeadDiffers]),
                _ => ("DELETE FROM log_head".into(), &[HeadMissing]),
            };
            Manipulation { what: "the head".into(), statements, entries: vec![last], kinds }
        }
    }
}

/// A thousand in four parts, which run side by side.
#[rstest::rstest]
fn each_of_a_thousand_manipulations_is_found_and_the_right_entry_named(#[values(1, 2, 3, 4)] part: u64) {
    const COUNT: usize = 250;
    let site = eventful();
    wait(async {
        let mut tampered = Tampered::of(&site).await;
        // hashing the mails anew a thousand times would tell nothing of the log
        tampered.execute("UPDATE attempts SET mail = NULL; CREATE TABLE log_as_it_was AS SELECT * FROM log; CREATE TABLE head_as_it_was AS SELECT * FROM log_head").await;
        let log = tampered.log().await;
        assert!(log.len() > 200, "some hundred entries: {}", log.len());
        assert!(tampered.audit(None).await.is_intact());
        let mut numbers = Numbers(20_261_200 + part);
        let mut seen = BTreeSet::new();
        for turn in 0..COUNT {
            let Manipulation { what, statements, entries, kinds } = manipulation(&log, &mut numbers);
            tampered.execute(&format!("BEGIN; {statements}; COMMIT")).await;
            let faults = tampered.audit(None).await.chain.faults;
            let named: Vec<i64> = faults.iter().map(|fault| fault.number).collect();
            assert!(named.contains(&entries[0]), "{turn}: {what}: {faults:?}");
            assert!(named.iter().all(|number| entries.contains(number)), "{turn}: {what}: {faults:?}");
            assert!(faults.iter().all(|fault| kinds.contains(&fault.kind)), "{turn}: {what}: {faults:?}");
            seen.extend(faults.iter().map(|fault| fault.kind));
            tampered
                .execute(
                    "BEGIN; DELETE FROM log; INSERT INTO log SELECT * FROM log_as_it_was; DELETE FROM log_head;
                 INSERT INTO log_head SELECT * FROM head_as_it_was; COMMIT",
                )
                .await;
        }
        assert!(seen.len() >= 8, "{seen:?}");
        assert!(tampered.audit(None).await.is_intact(), "and as it was it is intact");
        tampered.end().await;
    });
}

#[test]
fn a_table_that_was_changed_behind_the_log_is_found() {
    let site = eventful();
    let untouched = site.path("untouched.sqlite");
    copy(&site.database(), &untouched);
    wait(async {
        let mut tampered = Tampered::of(&site).await;
        for (statement, table, kind) in [
            ("UPDATE receipts SET state = 'nil' WHERE number = 1", "receipts", "differs"),
            ("UPDATE receipts SET reported_at = received_at, actor = 'nobody' WHERE number = 2", "receipts", "differs"),
            ("UPDATE receipts SET reason = 'am Telefon' WHERE number = 1", "receipts", "differs"),
            ("UPDATE receipts SET state = 'done' WHERE number = 1", "receipts", "unreadable"),
            ("DELETE FROM receipts WHERE number = 2", "receipts", "no-row"),
            (
                "INSERT INTO receipts SELECT 99, month, duty, authority, 'complete', '[]', NULL, NULL, source, actor,
                 received_at, reported_at FROM receipts WHERE number = 1",
                "receipts",
                "no-entry",
            ),
            ("UPDATE attempts SET outcome = 'accepted' WHERE outcome = 'rejected'", "attempts", "differs"),
            ("UPDATE attempts SET sha256 = 'ab', mail = NULL WHERE outcome = 'accepted'", "attempts", "differs"),
            ("UPDATE attempts SET at = '2026-12-01T07:00:00+00:00' WHERE number = 1", "attempts", "differs"),
            ("UPDATE attempts SET handed_over_at = NULL WHERE outcome = 'accepted'", "attempts", "differs"),
            ("UPDATE attempts SET reply = '250 ok' WHERE outcome = 'rejected'", "attempts", "differs"),
            ("DELETE FROM attempts WHERE outcome = 'retry'", "attempts", "no-row"),
            (
                "INSERT INTO attempts SELECT notice, 9, at, outcome, reply, sha256, mail, handed_over_at, size_bytes
                 FROM attempts WHERE number = 1 LIMIT 1",
                "attempts",
                "no-entry",
            ),
            ("UPDATE attempts SET mail = x'00' WHERE outcome = 'accepted'", "attempts", "mail-differs"),
            ("UPDATE revisions SET ends_on = '2026-12-31' WHERE number = 1", "revisions", "differs"),
            ("UPDATE revisions SET reason = 'anders' WHERE number = 2", "revisions", "differs"),
            ("DELETE FROM revisions WHERE number = 2", "revisions", "no-row"),
            (
                "INSERT INTO revisions SELECT month, duty, 7, import_on, stated_on, ends_on, reason, frozen_at
                 FROM revisions WHERE number = 2",
                "revisions",
                "no-entry",
            ),
            (
                "UPDATE notices SET mailbox = 'other@essen.example' WHERE kind = 'reminder' AND mailbox LIKE 'rueckkehr@essen%'",
                "notices",
                "id-differs",
            ),
            (
                "UPDATE notices SET state = 'accepted', accepted_at = due_at WHERE state = 'rejected'",
                "notices",
                "never-accepted",
            ),
        ] {
            tampered.execute("BEGIN").await;
            tampered.execute(statement).await;
            tampered.execute("COMMIT").await;
            let audit = tampered.audit(None).await;
            let faults = &audit.tables.faults;
            assert!(audit.chain.faults.is_empty(), "{statement}: {audit:?}");
            let is_found = faults.iter().any(|fault| (fault.table, fault.kind.as_str()) == (table, kind));
            assert!(is_found, "{statement}: {faults:?}");
            tampered.end().await;
            copy(&untouched, &site.database());
            tampered = Tampered::of(&site).await;
        }
        tampered.end().await;
    });
}

/// Puts a database that is closed in the place of another.
fn copy(from: &Path, to: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let name = |path: &Path| format!("{}{ending}", path.display());
        let _ = std::fs::remove_file(name(to));
        if Path::new(&name(from)).exists() {
            std::fs::copy(name(from), name(to)).expect("copied");
        }
    }
}

#[test]
fn a_store_goes_on_after_a_manipulation_and_the_fault_stays_visible() {
    let site = eventful();
    let last = site.query("SELECT hash, number FROM log_head")[0].1;
    site.execute("DELETE FROM log WHERE number = (SELECT number FROM log_head)");
    Answer::at(&site, &["pause"]).done();
    let answer = Answer::at(&site, &["audit", "verify"]);
    assert_eq!(answer.code, 1);
    assert!(answer.said.contains(&format!("entry {last} is missing: taken out")), "{}", answer.said);
    site.execute("UPDATE log_head SET number = 3");
    Answer::at(&site, &["resume"]).refused(1, &["the log's head (table log_head) is behind the log", "docs/audit.md"]);
    site.execute("DELETE FROM log_head");
    Answer::at(&site, &["resume"]).refused(1, &["the log's head (table log_head) is gone"]);
}

#[test]
fn a_store_of_before_the_head_gets_one_and_stays_intact() {
    let site = eventful();
    let head = site.query("SELECT hash, number FROM log_head");
    for statement in [
        "DROP TABLE log_head",
        "ALTER TABLE attempts DROP COLUMN handed_over_at",
        "ALTER TABLE attempts DROP COLUMN size_bytes",
        "DELETE FROM _sqlx_migrations WHERE version = 6",
    ] {
        site.execute(statement);
    }
    Answer::at(&site, &["audit", "verify"]).refused(1, &["was made by an older fristd"]);
    Answer::at(&site, &["outbox", "list"]).done();
    assert_eq!(site.query("SELECT hash, number FROM log_head"), head, "filled from the log");
    let value = serde_json::from_str::<Value>(&Answer::at(&site, &["audit", "verify", "--json"]).said).expect("JSON");
    assert_eq!(value["faults"], json!([]));
}

#[test]
fn verify_tells_a_person_and_a_program_the_same() {
    let site = eventful();
    let at = |arguments: &[&str]| Answer::at(&site, &[&["audit"], arguments].concat());
    let said = at(&["verify"]).done();
    assert!(said.contains("\nintact; note the head"), "{said}");
    let head = said.lines().find_map(|line| line.strip_prefix("head       ")).expect("a head").to_owned();
    let value = at(&["verify", "--json"]).json();
    assert_keys(&value, &["entries", "faults", "more_faults", "earlier", "intact", "head", "tables"]);
    assert_eq!(format!("{}:{}", value["head"]["number"], value["head"]["hash"].as_str().unwrap_or_default()), head);
    assert_eq!(
        (&value["intact"], &value["faults"], &value["tables"]["faults"]),
        (&json!(true), &json!([]), &json!([]))
    );
    at(&["verify", "--head", &head]).done();
    Answer::at(&site, &["pause"]).done();
    at(&["verify", "--head", &head]).done();
    let (number, hash) = head.split_once(':').expect("a colon");
    let other = format!("{number}:{}", hash.chars().rev().collect::<String>());
    let answer = at(&["verify", "--head", &other]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.said.contains(&format!("entry {number} is another one than when its hash was noted")),
        "{}",
        answer.said
    );
    at(&["verify", "--head", "17"]).refused(2, &["holds no colon", "NUMBER:HASH"]);
    site.execute("UPDATE receipts SET state = 'nil' WHERE number = 1");
    let value = serde_json::from_str::<Value>(&at(&["verify", "--json"]).said).expect("JSON");
    assert_eq!(value["intact"], false);
    let fault = &value["tables"]["faults"][0];
    assert_keys(fault, &["table", "row", "entry", "kind", "means"]);
    assert_eq!((&fault["table"], &fault["row"], &fault["kind"]), (&json!("receipts"), &json!("1"), &json!("differs")));
    // also in the middle of editing the lists
    site.append("contacts.csv", "half a li");
    assert_eq!(at(&["verify"]).code, 1);
}

/// The program in a fenced block of docs/audit.md, word for word.
fn of_docs(language: &str) -> String {
    let docs = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/audit.md")).expect("the docs");
    let (_, rest) = docs.split_once(&format!("```{language}\n")).expect("a block of that language");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn an_export_is_verified_with_public_tools_by_the_very_words_of_the_docs() {
    let site = eventful();
    site.execute("DELETE FROM log WHERE number > 25"); // jq is started twice a line
    site.execute("UPDATE log_head SET number = 25, hash = (SELECT hash FROM log WHERE number = 25)");
    let export = site.path("log.jsonl").display().to_string();
    Answer::at(&site, &["audit", "export", "--to", &export]).done();
    Answer::at(&site, &["audit", "export", "--to", &export]).refused(2, &["is there already"]);
    let text = site.read("log.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 25);
    let first: Value = serde_json::from_str(lines[0]).expect("a line is JSON");
    assert_keys(&first, &["number", "at", "actor", "event", "facts", "previous", "hash"]);
    assert_eq!(Answer::at(&site, &["audit", "export"]).done(), text, "the same on stdout");
    let later = Answer::at(&site, &["audit", "export", "--from", "11"]).done();
    assert_eq!(later.lines().collect::<Vec<_>>(), lines[10..]);
    assert_eq!(Answer::at(&site, &["audit", "export", "--from", "26"]).code, 3);

    site.write("verify.py", &of_docs("python"));
    site.write("verify.sh", &of_docs("bash"));
    let last: Value = serde_json::from_str(lines[24]).expect("a line is JSON");
    let head = format!("25:{}", last["hash"].as_str().expect("a hash"));
    let swapped = [&lines[..5], &[lines[6], lines[5]], &lines[7..]].concat().join("\n") + "\n";
    let without = [&lines[..5], &lines[6..]].concat().join("\n") + "\n";
    let changed = text.replacen("\"event\":\"store made\"", "\"event\":\"store left\"", 1);
    for (label, text, is_good) in [
        ("as exported", &text, true),
        ("from the middle", &later, true),
        ("a word changed", &changed, false),
        ("an entry taken out", &without, false),
        ("two swapped", &swapped, false),
    ] {
        site.write("log.jsonl", text);
        for (tool, script) in [("python3", "verify.py"), ("bash", "verify.sh")] {
            let output =
                Command::new(tool).arg(site.path(script)).arg(&export).output().expect("the tool is installed");
            let said = String::from_utf8_lossy(&output.stdout);
            assert_eq!(
                output.status.success(),
                is_good,
                "{label}, {tool}: {said}{}",
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(said.ends_with(&format!("last entry {head}\n")), "{label}, {tool}: {said}");
        }
        let ours = Answer::at(&site, &["audit", "verify", "--export", &export]);
        assert_eq!(ours.code, i32::from(!is_good), "{label}: {}", ours.said);
    }
    site.write("log.jsonl", "{\"number\":1}\n");
    Answer::at(&site, &["audit", "verify", "--export", &export]).refused(2, &["line 1 is no entry"]);
}
