//! `fristd demo` as a newcomer runs it: a whole month in an empty folder. Never looks at a mail with a mail library.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::answer::Answer;
use support::daemon::poll;

/// A mail file: its headers, unfolded, and its body.
struct Eml {
    headers: BTreeMap<String, String>,
    body: String,
}

/// Reads a file as RFC 5322 says: lines of at most 998 octets that end with CR LF, headers, an empty line, the body.
fn read_mail(path: &Path) -> Eml {
    let name = path.display();
    let text = fs::read_to_string(path).expect("a mail is readable and, with its encodings, ASCII");
    assert!(text.is_ascii(), "{name}: not ASCII");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{name}: bare line ends");
    assert!(text.split("\r\n").all(|line| line.len() <= 998), "{name}: a line too long");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{name}: no body"));
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut headers = BTreeMap::new();
    for line in unfolded.split("\r\n") {
        let (field, value) = line.split_once(": ").unwrap_or_else(|| panic!("{name}: no header: {line:?}"));
        assert!(field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}: {field:?}");
        assert_eq!(headers.insert(field.to_owned(), value.to_owned()), None, "{name}: {field} twice");
    }
    Eml { headers, body: body.to_owned() }
}

fn check_mail(mail: &Eml, name: &str) {
    let header = |field: &str| mail.headers.get(field).map_or("", String::as_str);
    chrono::DateTime::parse_from_rfc2822(header("Date")).unwrap_or_else(|error| panic!("{name}: Date: {error}"));
    assert!(header("From").ends_with("<fristen@zrk-nrw.example>"), "{name}: {}", header("From"));
    assert_eq!(header("To").matches('@').count(), 1, "{name}: one recipient (M2): {}", header("To"));
    assert_eq!(mail.headers.get("Cc").or(mail.headers.get("Bcc")), None, "{name}");
    assert!(!header("Subject").is_empty(), "{name}");
    assert!(header("Message-ID").ends_with("@zrk-nrw.example>"), "{name}");
    assert_eq!(header("Auto-Submitted"), "auto-generated", "{name}");
    assert_eq!(header("MIME-Version"), "1.0", "{name}");
    let letter = match name.contains("_escalation+") && !name.contains("all-clear") {
        true => {
            let parts = parts(header("Content-Type"), &mail.body, "multipart/mixed", name);
            assert_eq!(parts.len(), 4, "{name}: the letter, two files, and the end");
            for (part, ending) in parts[1..].iter().zip(["pdf", "xlsx"]) {
                let file = "Content-Disposition: attachment;\r\n filename=\"Ausstehende-Meldungen_";
                assert!(part.contains(file) && part.contains(&format!(".{ending}\"")), "{name}: no {ending}");
            }
            parts[0].trim_start().to_owned()
        }
        false => format!("Content-Type: {}\r\n\r\n{}", header("Content-Type"), mail.body),
    };
    let (head, body) = letter.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{name}: no body"));
    let head = head.replace("\r\n ", " ");
    let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap_or_default();
    let parts = parts(content_type, body, "multipart/alternative", name);
    assert_eq!(parts.len(), 3, "{name}: a text, an HTML, and the end");
    assert!(parts[0].contains("Content-Type: text/plain; charset=utf-8"), "{name}");
    assert!(parts[1].contains("Content-Type: text/html; charset=utf-8"), "{name}");
    assert!(parts[2].starts_with("--"), "{name}: the closing boundary");
}

/// The parts of a multipart body, the closing boundary as the last.
fn parts<'a>(content_type: &str, body: &'a str, kind_wanted: &str, name: &str) -> Vec<&'a str> {
    let (kind, boundary) = content_type.split_once(';').unwrap_or_else(|| panic!("{name}: Content-Type"));
    let boundary = boundary.trim().trim_start_matches("boundary=").trim_matches('"');
    assert_eq!(kind, kind_wanted, "{name}");
    body.split(&format!("--{boundary}")).skip(1).collect()
}

/// Duty and step of each mail by its file's name, `2026-12-01T0900_2026-12_planning_announcement_r1_ADDRESS.eml`.
fn addressed(folder: &Path) -> BTreeMap<(String, String, String), BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for entry in folder.read_dir().expect("the folder of mails") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let mail = read_mail(&path);
        check_mail(&mail, &name);
        let (what, address) = name.trim_end_matches(".eml").split_once("_r1_").expect("a first revision");
        let pieces: Vec<&str> = what.splitn(4, '_').collect();
        let [_, month, duty, step] = pieces[..] else { panic!("{name}: not the name of a mail") };
        assert!(mail.headers["To"].contains(address), "{name}: to somebody else");
        let step = (month.to_owned(), duty.to_owned(), step.to_owned());
        assert!(found.entry(step).or_default().insert(address.to_owned()), "{name}: twice (N4)");
    }
    found
}

#[test]
fn demo_plays_a_month_in_an_empty_folder_and_a_second_one_replaces_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    interrupt_a_first_demo(here);
    let left_behind = here.join("fristd-demo/mails/of-the-first-demo.eml");
    fs::write(&left_behind, "").expect("a file");
    let story = Answer::without_settings(here, &["demo"]).done();
    assert!(!left_behind.exists(), "replaced");
    for piece in [
        "Dezember 2026: 86 authorities, 258 mailboxes",
        "Meldung im Planungsmodul for Dezember 2026: Dienstag, 15. Dezember 2026",
        "import Dienstag, 1. Dezember 2026, which is not counted (§ 187 Abs. 1 BGB)",
        "announcement sent, 256 mails to all 86 authorities",
        "HOW IT ENDED",
        "The mails lie in fristd-demo/mails",
    ] {
        assert!(story.contains(piece), "{piece}\n{story}");
    }
    let too_wide: Vec<&str> = story.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(too_wide.is_empty(), "{too_wide:#?}");

    let addressed = addressed(&here.join("fristd-demo/mails"));
    let of = |duty: &str, step: &str| {
        let step = ("2026-12".to_owned(), duty.to_owned(), step.to_owned());
        addressed.get(&step).cloned().unwrap_or_else(|| panic!("no mail of {step:?}"))
    };
    assert_eq!(of("planning", "announcement").len(), 256, "258 contacts without the ZRK's two");
    for duty in ["planning", "statistics"] {
        let missing: Vec<usize> = ["reminder-5", "reminder-1", "reminder-0", "overdue+1"]
            .iter()
            .map(|step| {
                assert!(
                    of(duty, step).iter().all(|to| !to.contains("bezirksregierung") && !to.contains("zrk")),
                    "{step}"
                );
                of(duty, step).len()
            })
            .collect();
        assert!(
            missing.is_sorted_by(|earlier, later| earlier > later) && missing[0] < 200,
            "only the missing: {missing:?}"
        );
        for step in ["escalation+2", "escalation+7", "escalation+12"] {
            let districts: BTreeSet<String> = of(duty, step)
                .iter()
                .filter_map(|to| to.split_once('@'))
                .map(|(_, domain)| domain.to_owned())
                .collect();
            assert!((1..=5).contains(&districts.len()), "{step} goes to {districts:?}");
            assert!(districts.iter().all(|domain| domain.starts_with("bezirksregierung-")), "{step}: {districts:?}");
        }
    }
    check_reported_are_not_reminded(&addressed);

    let config = "fristd-demo/settings/fristd.toml";
    let status = Answer::without_settings(here, &["--config", config, "status", "2026-12", "--missing"]).done();
    for line in ["Stadt Krefeld [abh-05114-krefeld]", "Stadt Siegen [abh-05970040-siegen]", "  3 missing\n"] {
        assert!(status.contains(line), "the same as the story's ending, on any day:\n{status}");
    }
    let rejected = ["--config", config, "outbox", "list", "--month", "2026-12", "--state", "rejected"];
    assert!(Answer::without_settings(here, &rejected).done().ends_with("3 notices\n"));
}

/// Starts a demo and kills it at its first mail: one that runs to its end leaves the same behind, and takes longer.
fn interrupt_a_first_demo(folder: &Path) {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_fristd"));
    demo.arg("demo").current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut first = demo.spawn().expect("the built binary starts");
    let mails = folder.join("fristd-demo/mails");
    poll("a first mail", || {
        mails.read_dir().ok()?.flatten().find(|entry| entry.path().extension() == Some("eml".as_ref()))
    });
    first.kill().expect("a child can be killed");
    first.wait().expect("a child can be waited for");
}

/// Who has reported at the latest on the day before a reminder gets none (N5).
fn check_reported_are_not_reminded(addressed: &BTreeMap<(String, String, String), BTreeSet<String>>) {
    let scenario = include_str!("../deploy/example/demo.txt");
    let contacts = include_str!("../deploy/example/contacts.csv");
    let taken_back = "abh-05566076-rheine"; // reports and takes it back
    let mut checked = 0;
    for line in scenario.lines().filter(|line| line.ends_with(" complete") && *line < "2026-12-14") {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, "record", month, duty, authority, "complete"] = words[..] else { continue };
        if authority == taken_back {
            continue;
        }
        for contact in contacts.lines().filter(|line| line.starts_with(&format!("{authority},"))) {
            let address = contact.split(',').nth(1).expect("an address");
            for step in ["reminder-1", "reminder-0", "overdue+1"] {
                checked += 1;
                let told = &addressed[&(month.to_owned(), duty.to_owned(), step.to_owned())];
                assert!(!told.contains(address), "{line}: {step} to {address}");
            }
        }
    }
    assert!(checked > 500, "the scenario is full of reports: {checked}");
}

#[test]
fn demo_refuses_a_folder_that_is_somebodys() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("letter.txt"), "mine").expect("a file");
    let refused = "is there already and not of an earlier demo; give another folder with --out";
    Answer::without_settings(folder.path(), &["demo", "--out", "."]).refused(1, &[refused]);
    let file = ["demo", "--out", "letter.txt"];
    Answer::without_settings(folder.path(), &file).refused(1, &["letter.txt: cannot be read"]);
    assert_eq!(fs::read_to_string(folder.path().join("letter.txt")).expect("still there"), "mine");
    assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
}
