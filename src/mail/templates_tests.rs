//! Tests what templates are refused for, and what a site's own may do. Never looks at a built-in template's words.

use std::fs;

use super::*;

fn load(files: &[(&str, &str)]) -> Result<Templates, Vec<TemplateComplaint>> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Templates::load(Some(folder.path()))
}

fn complaint(files: &[(&str, &str)]) -> String {
    let complaints = load(files).expect_err("must be refused");
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    complaints[0].to_string()
}

fn reminder() -> Letter {
    samples::letters().into_iter().find(|letter| letter.kind == NoticeKind::Reminder).unwrap()
}

#[test]
fn built_in_templates_render_every_sample() {
    let templates = Templates::load(None).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    for letter in samples::letters() {
        let mail = templates.render(&letter, letter.kind.as_str()).unwrap();
        let body = mail.html.split_once("</style>").expect("styles come first").1.to_owned();
        for (part, words) in [("subject", &mail.subject), ("text", &mail.text), ("html", &body)] {
            for leftover in ["{{", "}}", "{%", "none", "undefined", "  –"] {
                assert!(!words.contains(leftover), "{} {part}: {leftover}\n{words}", letter.kind);
            }
        }
        assert!(!mail.subject.contains('\n'), "{}", mail.subject);
    }
}

#[test]
fn every_kind_has_its_template() {
    let templates = Templates::load(None).unwrap();
    for kind in NoticeKind::ALL {
        assert_eq!(templates.kind_of(kind.as_str()), Some(kind));
    }
    assert!(!templates.has("layout"));
    assert!(!templates.has("reminder-last"));
}

#[test]
fn a_file_of_the_same_name_replaces_the_built_in_one() {
    let templates = load(&[("reminder.subject.txt", "Bitte melden: {{ matter.module }}\n")]).unwrap();
    assert_eq!(templates.render(&reminder(), "reminder").unwrap().subject, "Bitte melden: APS-Planungsmodul");
}

#[test]
fn a_shared_part_can_be_replaced_alone() {
    let templates = load(&[("signature.txt", "Gez. {{ letterhead.signature|join(\", \") }}\n")]).unwrap();
    let text = templates.render(&reminder(), "reminder").unwrap().text;
    assert!(
        text.ends_with("Gez. Zentrale Rückkehrkoordination des Landes NRW, Zentrale Ausländerbehörde\nMusterstadt\n"),
        "{text}"
    );
}

#[test]
fn a_template_of_a_sites_own_is_named_after_its_kind_and_needs_all_three_parts() {
    let all = [
        ("reminder-last.txt", "Heute!"),
        ("reminder-last.html", "<p>Heute!</p>"),
        ("reminder-last.subject.txt", "Heute"),
    ];
    let templates = load(&all).unwrap();
    assert!(templates.has("reminder-last"));
    assert_eq!(templates.render(&reminder(), "reminder-last").unwrap().subject, "Heute");

    let complaint = complaint(&all[..2]);
    assert!(complaint.contains("reminder-last.subject.txt: this part of the template is missing"), "{complaint}");
}

#[test]
fn a_letter_is_not_rendered_with_a_template_of_another_kind() {
    let templates = Templates::load(None).unwrap();
    let error = templates.render(&reminder(), "summary").unwrap_err();
    assert!(matches!(error, RenderError::WrongKind { .. }), "{error}");
    let error = templates.render(&reminder(), "reminder-last").unwrap_err();
    assert!(error.to_string().contains("known: all-clear, announcement"), "{error}");
}

#[test]
fn what_is_wrong_in_a_template_is_said_with_its_place_and_what_is_accepted() {
    let check = |file: &str, text: &str, wanted: &[&str]| {
        let said = complaint(&[(file, text)]);
        for want in wanted {
            assert!(said.contains(want), "{file} {text:?}\nwant {want}\nsaid {said}");
        }
    };
    check("reminder.txt", "Guten Tag\n{% if %}\n", &["reminder.txt:2: syntax error", "accepted: minijinja"]);
    check(
        "reminder.txt",
        "a\nb {{ frist }}\n",
        &["reminder.txt:2: unknown variable \"frist\"", "accepted: authorities, kind, letterhead"],
    );
    check(
        "reminder.txt",
        "{{ matter.frist }}",
        &["reminder.txt:1: unknown variable \"matter.frist\"", "matter.stated_on,"],
    );
    check("reminder.txt", "x{% if false %}{{ matter.frist }}{% endif %}", &["unknown variable \"matter.frist\""]);
    check("reminder.txt", "{{ report.district }}", &["unknown variable \"report.district\"", "matter"]);
    check("facts.txt", "{{ matter.frist }}", &["facts.txt:1: unknown variable"]);
    check("layout.html", "{% block body %}{% endblock %}{{ titel }}", &["layout.html:1: unknown variable \"titel\""]);
    check(
        "reminder.txt",
        "Hallo{% for a in authorities %}\n{{ a.nam }}\n{% endfor %}",
        &["reminder.txt:2: undefined value", "a.nam"],
    );
    check("reminder.txt", "{{ month|upperr }}", &["reminder.txt:1: unknown filter", "upperr"]);
    check("reminder.txt", "{% include \"fuss.txt\" %}", &["reminder.txt:1: template not found", "fuss.txt"]);
    check("reminder.subject.txt", " \n", &["reminder.subject.txt: the template says nothing"]);
    check("erinnerung.txt", "x", &["erinnerung.txt: no template has this name", "reminder.txt", "reminder-last.txt"]);
    check("reminder.txt~", "x", &["no template has this name"]);
    check("reminder-.txt", "x", &["no template has this name"]);
    check("reminder-Last.txt", "x", &["no template has this name"]);
}

#[test]
fn all_complaints_come_at_once() {
    let complaints =
        load(&[("reminder.txt", "{{ a1 }}"), ("overdue.html", "{{ b1 }}{{ b2 }}"), ("fremd.md", "")]).unwrap_err();
    assert_eq!(complaints.len(), 4, "{complaints:#?}");
}

#[cfg(unix)]
#[test]
fn links_and_folders_and_what_is_too_large_or_not_utf_8_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path(".hidden"), "x").unwrap();
    fs::write(folder.path().join("elsewhere"), "x").unwrap();
    std::os::unix::fs::symlink(path("elsewhere"), path("reminder.txt")).unwrap();
    fs::create_dir(path("overdue.txt")).unwrap();
    fs::write(path("summary.txt"), "x".repeat(256 * 1024 + 1)).unwrap();
    fs::write(path("escalation.txt"), b"Gr\xfc\xdfe").unwrap();
    let said: Vec<String> =
        Templates::load(Some(folder.path())).unwrap_err().iter().map(|one| one.to_string()).collect();
    let all = said.join("\n");
    assert_eq!(said.len(), 5, "{all}");
    for want in [
        "elsewhere: no template has this name",
        "reminder.txt: is a link",
        "overdue.txt: is a link or a folder",
        "has 262145 bytes; accepted: at most 262144",
        "escalation.txt: is not UTF-8 at byte 2",
    ] {
        assert!(all.contains(want), "{want}\n{all}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let complaints = Templates::load(Some(&folder.path().join("none"))).unwrap_err();
    assert!(complaints[0].problem.contains("cannot be read"), "{complaints:?}");
}

#[test]
fn names_are_escaped_in_html_and_left_alone_in_text() {
    let mut letter = reminder();
    letter.authorities[0].name = "Amt <A> & \"B\"".into();
    let mail = Templates::load(None).unwrap().render(&letter, "reminder").unwrap();
    assert!(mail.text.contains("Amt <A> & \"B\""), "{}", mail.text);
    assert!(mail.html.contains("Amt &lt;A&gt; &amp; &quot;B&quot;"), "{}", mail.html);
}
