//! Whether people who cannot see, or see badly, can read each mail: axe-core in a real browser finds nothing to complain of.

mod axe;

use axe::{Browser, Look};
use fristd::mail::{Templates, samples};

#[test]
fn every_sample_letter_can_be_read_by_everybody() {
    let templates = Templates::load(None).unwrap();
    let mut browser = Browser::start();
    let mut complaints = Vec::new();
    for (name, letter) in samples::named_letters() {
        let mail = templates.render(&letter, letter.kind.as_str()).unwrap();
        for look in Look::ALL {
            let findings = browser.check(&mail.html, look);
            assert!(findings.passes > 10, "{name}: axe-core looks at the mail");
            // what it cannot decide is not left to chance either
            for finding in findings.violations.iter().chain(&findings.incomplete) {
                complaints.push(format!("{name}, {look:?}: {}", finding.words));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_checker_finds_what_is_wrong_in_a_bad_page() {
    let bad = "<!doctype html><html><head><meta name=\"color-scheme\" content=\"light dark\"><style>\
        body { background: #fff } p { color: #ddd } @media (max-width: 560px) { p { color: #000 } }\
        @media (prefers-color-scheme: dark) { body { background: #000 } p { color: #fff } }\
        </style></head><body><p>Kaum zu lesen</p><img src=\"data:,\"></body></html>";
    let mut browser = Browser::start();
    let mut rules = |width, is_dark| -> Vec<String> {
        let findings = browser.check(bad, Look { width, is_dark });
        findings.violations.into_iter().map(|finding| finding.rule).collect()
    };
    let by_day = rules(700, false);
    for rule in ["color-contrast", "document-title", "html-has-lang", "image-alt", "landmark-one-main", "region"] {
        assert!(by_day.iter().any(|found| found == rule), "{rule} in {by_day:?}");
    }
    let has_contrast = |rules: &[String]| !rules.iter().any(|rule| rule == "color-contrast");
    assert!(has_contrast(&rules(700, true)), "the dark colours differ");
    assert!(has_contrast(&rules(360, false)), "the narrow page differs");
}
