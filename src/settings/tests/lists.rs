//! Tests what authorities.csv and contacts.csv may say.

use super::*;

const AUTHORITY: &str = "abh-05113-essen,Stadt Essen,abh,duesseldorf,05113";

#[test]
fn a_bad_line_of_authorities_is_refused_with_its_line() {
    let check = |label: &str, line: &str, pieces: &[&str]| {
        let site = Site::example().edit("authorities.csv", "", line);
        site.refuses(label, pieces);
    };
    check("empty id", ",Stadt X,abh,koeln,05", &["authorities.csv:88: id: the id is empty"]);
    check("bad id", "ABH X,Stadt X,abh,koeln,05", &["authorities.csv:88: id: \"ABH X\" is not an id"]);
    check("twice", AUTHORITY, &["authorities.csv:88: id: \"abh-05113-essen\" stands there twice (line 4)"]);
    check("no name", "abh-x,,abh,koeln,05", &["authorities.csv:88: name: is empty"]);
    check(
        "line break",
        "abh-x,\"Stadt\nX\",abh,koeln,05",
        &["authorities.csv:88: name: \"Stadt\\nX\" holds a line break"],
    );
    check("kind", "abh-x,Stadt X,amt,koeln,05", &["kind: unknown value \"amt\"; known: abh, zab"]);
    check(
        "no district",
        "abh-x,Stadt X,abh,,05",
        &["district: is empty; known: arnsberg, detmold, duesseldorf, koeln, muenster"],
    );
    check("district", "abh-x,Stadt X,abh,bonn,05", &["district: unknown value \"bonn\"; known: arnsberg, detmold"]);
    check(
        "too many cells",
        "abh-x,Stadt X, Amt,abh,koeln,05",
        &["authorities.csv:88: \"05\" is beyond the 5 columns", "in quotes"],
    );
    check("short line", "abh-x,Stadt X,abh", &["authorities.csv:88: district: is empty"]);
}

#[test]
fn a_bad_line_of_contacts_is_refused_with_its_line() {
    let check = |label: &str, lines: &str, pieces: &[&str]| {
        let site = Site::example().edit("contacts.csv", "", lines);
        site.refuses(label, pieces);
    };
    check(
        "no owner",
        ",x@y.example",
        &["contacts.csv:260: owner: is empty", "an id of authorities.csv, or an office's (rrk-arnsberg"],
    );
    check("unknown owner", "abh-x,x@y.example", &["contacts.csv:260: owner: unknown owner \"abh-x\""]);
    check("no address", "zrk,,Name", &["contacts.csv:260: email: is empty"]);
    check("no address", "zrk,zrk at example", &["email: \"zrk at example\" is not a mail address"]);
    check("two addresses", "zrk,\"a@y.example, b@y.example\"", &["is not a mail address"]);
    check("header injection", "zrk,\"a@y.example\nBcc: b@y.example\"", &["is not a mail address"]);
    check(
        "bad domain",
        "zrk,x@bü..example",
        &["email: \"x@bü..example\", in ASCII \"x@xn--b-eha..example\" is not a mail address"],
    );
    check("line break", "zrk,x@y.example,\"Na\nme\"", &["name: \"Na\\nme\" holds a line break"]);
    check("date", "zrk,x@y.example,,2026-13-01", &["valid_from: 2026-13-01 is no day"]);
    check(
        "date",
        "zrk,x@y.example,,1.12.2026",
        &["valid_from: \"1.12.2026\" is not a date; accepted: 2026-12-01 or 01.12.2026"],
    );
    check(
        "order",
        "zrk,x@y.example,,2026-12-02,01.12.2026",
        &["valid_to: 2026-12-01 is before valid_from, 2026-12-02"],
    );
    check("calendar", "zrk,x@y.example,,,,vielleicht", &["calendar: \"vielleicht\" is neither yes nor no"]);
    check(
        "twice",
        "zrk,X@y.example\nzrk,x@Y.example",
        &["contacts.csv:261: owner and mailbox \"x@y.example\" stand there already in line 260"],
    );
    check("overlap", "zrk,x@y.example,,,31.12.2026\nzrk,x@y.example,,2026-12-31", &["contacts.csv:261"]);
}

const VALIDITY: &str = "id,name,kind,district,ags,valid_from,valid_to,reported_by";

/// Authorities `abh-kreis` and `abh-stadt`, and others, with their validity; the contacts are the ZRK's.
fn site_with(lines: &str) -> Site {
    let kreis = "abh-kreis,Kreis,abh,arnsberg,05970";
    let authorities = format!("{VALIDITY}\n{kreis}\n{lines}\n");
    Site::example().write("authorities.csv", &authorities).write("contacts.csv", "owner,email\nzrk,zrk@zrk.example\n")
}

#[test]
fn an_authority_may_end_and_another_report_for_it() {
    let lines = "abh-stadt,Stadt,abh,arnsberg,05970,,31.12.2026,abh-kreis\nabh-alt,Alt,abh,arnsberg,05,,,abh-kreis";
    let settings = site_with(lines).load_good();
    let [kreis, stadt, alt] = settings.roster.authorities() else { panic!() };
    assert_eq!((&kreis.valid_to, &kreis.reported_by), (&None, &None));
    assert_eq!((stadt.valid_to, stadt.reported_by.as_deref()), ("2026-12-31".parse().ok(), Some("abh-kreis")));
    assert_eq!((alt.valid_to, alt.reported_by.as_deref()), (None, Some("abh-kreis")));
    let warned: Vec<&str> = settings.warnings.iter().map(|warning| warning.place.as_str()).collect();
    assert!(warned.contains(&"authority \"abh-stadt\"") && !warned.contains(&"authority \"abh-alt\""), "{warned:?}");
}

#[test]
fn nobody_reports_for_another_who_does_not_answer_for_himself_from_that_day_on() {
    let check = |label: &str, lines: &str, pieces: &[&str]| site_with(lines).refuses(label, pieces);
    let stadt = "abh-stadt,Stadt,abh,arnsberg,05970";
    let at = "authorities.csv:3: reported_by: ";
    check(
        "itself",
        &format!("{stadt},,2026-12-31,abh-stadt"),
        &[at, "\"abh-stadt\" is the authority itself; leave it out"],
    );
    check("unknown", &format!("{stadt},,2026-12-31,abh-kries"), &[at, "\"abh-kries\" is no authority of this list"]);
    check("no id", &format!("{stadt},,2026-12-31,Kreis Siegen"), &[at, "is not an id"]);
    let chain = "abh-mitte,Mitte,abh,arnsberg,05,,2027-06-30,abh-kreis";
    check(
        "chain",
        &format!("{stadt},,2026-12-31,abh-mitte\n{chain}"),
        &[at, "is reported for by \"abh-kreis\" itself; name that one"],
    );
    let circle = "abh-mitte,Mitte,abh,arnsberg,05,,2027-06-30,abh-stadt";
    let complaints = site_with(&format!("{stadt},,2026-12-31,abh-mitte\n{circle}")).load().unwrap_err();
    let lines: Vec<Option<usize>> = complaints.0.iter().map(|complaint| complaint.line).collect();
    assert_eq!(lines, [Some(3), Some(4)], "{complaints}");
    assert!(complaints.to_string().contains("\"abh-mitte\" names this one in turn"), "{complaints}");
    let ending = "abh-mitte,Mitte,abh,arnsberg,05,,2027-06-30,";
    check("ends", &format!("{stadt},,2026-12-31,abh-mitte\n{ending}"), &[at, "ends itself on 2027-06-30"]);
    let late = "abh-mitte,Mitte,abh,arnsberg,05,2027-02-01,,";
    check(
        "a month without anybody",
        &format!("{stadt},,2026-12-31,abh-mitte\n{late}"),
        &[at, "would report from 2027-01-01 on but is valid from 2027-02-01 only; write 2027-01-31 as valid_to"],
    );
    check("always", &format!("{stadt},,,abh-mitte\n{late}"), &[at, "would report always but is valid from"]);
    check("from and no to", &format!("{stadt},2026-01-01,,abh-kreis"), &[at, "valid_from 2026-01-01 says nothing"]);
    check(
        "order",
        &format!("{stadt},2027-01-01,2026-12-31,abh-kreis"),
        &["authorities.csv:3: valid_to: 2026-12-31 is before valid_from, 2027-01-01"],
    );
    let next_day = "abh-mitte,Mitte,abh,arnsberg,05,2027-01-01,,";
    site_with(&format!("{stadt},,2026-12-31,abh-mitte\n{next_day}")).load_good();
}

/// The example with a contact list of `zrk` alone, and a column for deputies.
fn site_with_deputies(lines: &str) -> Site {
    let contacts =
        format!("owner,email,valid_from,valid_to,instead_of\nzrk,a@zrk.example,,,\nzrk,b@zrk.example,,,\n{lines}\n");
    Site::example().write("contacts.csv", &contacts)
}

#[test]
fn a_deputy_stands_in_for_a_mailbox_of_its_owner_or_for_all() {
    let lines = "zrk,c@zrk.example,2026-12-01,2026-12-21,A@zrk.example\nzrk,b@zrk.example,2026-12-07,2026-12-09,*";
    let settings = site_with_deputies(lines).load_good();
    let [a, _, c, b] = settings.roster.contacts() else { panic!() };
    assert_eq!(a.instead_of, None);
    assert!(c.stands_in_for(&a.mailbox) && !c.stands_in_for(&b.mailbox));
    assert!(b.stands_in_for(&a.mailbox) && !b.stands_in_for(&b.mailbox), "a mailbox that it has anyway may stand in");
    assert!(settings.warnings.iter().all(|warning| !warning.place.contains("instead_of")), "{:?}", settings.warnings);
}

#[test]
fn a_deputy_for_nobody_or_for_a_deputy_is_refused_and_one_without_an_end_warned_of() {
    let check = |label: &str, lines: &str, pieces: &[&str]| site_with_deputies(lines).refuses(label, pieces);
    let at = "contacts.csv:4: instead_of: ";
    check("itself", "zrk,c@zrk.example,,2026-12-21,c@zrk.example", &[at, "is this mailbox itself; accepted: * or"]);
    check(
        "another's",
        "zrk,c@zrk.example,,2026-12-21,zfa@zrk.example",
        &[at, "is no mailbox of this owner; accepted: * or one of its own (a@zrk.example, b@zrk.example)"],
    );
    check("no address", "zrk,c@zrk.example,,2026-12-21,alle", &[at, "is not a mail address"]);
    check(
        "chain",
        "zrk,c@zrk.example,,2026-12-21,a@zrk.example\nzrk,d@zrk.example,2026-12-21,2026-12-31,c@zrk.example",
        &["contacts.csv:5: instead_of: ", "is a deputy itself then; name the mailbox for which both stand in"],
    );
    check(
        "twice",
        "zrk,c@zrk.example,,2026-12-21,*\nzrk,c@zrk.example,2026-12-21,,*",
        &["contacts.csv:5: owner and mailbox \"c@zrk.example\" stand there already in line 4"],
    );
    let settings = site_with_deputies("zrk,c@zrk.example,2026-12-01,,a@zrk.example").load_good();
    let shown: Vec<String> = settings.warnings.iter().map(ToString::to_string).collect();
    let want =
        "contacts.csv:4: instead_of: has no valid_to: mailbox \"a@zrk.example\" will get nothing until one is written";
    assert!(shown.iter().any(|line| line == want), "{shown:?}");
}

#[test]
fn a_header_that_is_not_understood_is_refused() {
    let check =
        |label: &str, file: &str, text: &str, pieces: &[&str]| Site::example().write(file, text).refuses(label, pieces);
    check("empty", "contacts.csv", "\n\n", &["contacts.csv: is empty; its first line is owner,email"]);
    check("missing", "contacts.csv", "owner,name\n", &["contacts.csv:1: header: the column \"email\" is missing"]);
    check(
        "unknown",
        "contacts.csv",
        "owner,email,phone\n",
        &["header: unknown column \"phone\"; known: owner,email,name"],
    );
    check("twice", "contacts.csv", "owner;email;Email\n", &["header: the column \"Email\" stands there twice"]);
    check("missing", "authorities.csv", "id,name,kind,district\n", &["authorities.csv:1: header: the column \"ags\""]);
}

#[test]
fn lists_are_read_as_table_programs_write_them() {
    let authorities =
        "\u{feff}AGS;district;kind;name;id\r\n05113;duesseldorf;abh;\"Stadt; \"\"Essen\"\"\";abh-essen\r\n;;;;\r\n";
    let contacts = "\u{feff}\r\nemail;owner;valid_to;calendar;;\r\n\r\n Frist@Bücher.example ; abh-essen ;31.12.2026;Ja;;\r\nzrk@zrk.example;zrk\r\n";
    let site = Site::example().write("authorities.csv", authorities).write("contacts.csv", contacts);
    let settings = site.load_good();
    let [authority] = settings.roster.authorities() else { panic!() };
    assert_eq!(
        (&*authority.id, authority.name.as_str(), authority.ags.as_str()),
        ("abh-essen", "Stadt; \"Essen\"", "05113")
    );
    let [first, second] = settings.roster.contacts() else { panic!() };
    assert_eq!(first.mailbox.as_str(), "frist@xn--bcher-kva.example");
    assert_eq!((first.valid_from, first.valid_to, first.calendar), (None, "2026-12-31".parse().ok(), true));
    assert_eq!((second.mailbox.as_str(), second.name.as_str(), second.calendar), ("zrk@zrk.example", "", false));
    let silent: Vec<&str> = settings.warnings.iter().map(|warning| warning.place.as_str()).collect();
    assert_eq!(
        silent,
        ["rrk-arnsberg", "rrk-detmold", "rrk-duesseldorf", "rrk-koeln", "rrk-muenster"]
            .map(|id| format!("office {id:?}"))
    );
}

#[test]
fn line_numbers_count_empty_lines_and_lines_within_quotes() {
    let contacts = "owner,email,name\n\nzrk,zrk@zrk.example,\"Eine\nZeile\"\n\n\nzrk,wrong,x\n";
    let complaints = Site::example().write("contacts.csv", contacts).load().unwrap_err();
    let lines: Vec<Option<usize>> = complaints.0.iter().map(|complaint| complaint.line).collect();
    assert_eq!(lines, [Some(3), Some(7)], "{complaints}");
}

#[test]
fn the_same_mailbox_may_serve_two_owners_or_two_periods() {
    let lines = "zrk,x@y.example,,,30.11.2026\nzrk,x@y.example,,01.12.2026,\nzfa,x@y.example";
    assert_eq!(Site::example().edit("contacts.csv", "", lines).load_good().warnings, []);
}

#[test]
fn an_authority_without_contact_is_warned_of() {
    let site = Site::example().edit("authorities.csv", "", "abh-x,Stadt X,abh,koeln,05");
    let settings = site.load_good();
    let shown: Vec<String> = settings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["contacts.csv: authority \"abh-x\": has no contact and gets no mail; add a line with this owner"]
    );
}
