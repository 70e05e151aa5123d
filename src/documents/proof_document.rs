//! A proof of dispatch as a document to be put on file (M7). Never a fact or a word that its text does not have.

use super::document::{Block, Cell, Column, Document, LetterTop, Table};
use crate::domain::dates::{date_in_words, local_date};
use crate::domain::proof::{AttemptProof, DutyProof, NoticeProof, Proof};
use crate::domain::proof_words::{
    Fact, NOT_OWED, NOTHING, SUBJECT, Told, about_attempt, about_notice, about_return, attempt_heading, authority_name,
    deadlines, duty_heading, notice_heading, notice_note, particulars, receipts, result, return_heading, standing,
    unsent,
};
use crate::domain::rulebook::Letterhead;

/// The proof as a document, with the letterhead of who sent the mails.
pub fn proof_document(proof: &Proof, letterhead: &Letterhead) -> Document {
    let title = format!("Nachweis des Versands: {}, {}", authority_name(proof), proof.month.in_words());
    let written_on = local_date(proof.produced_at, proof.zone);
    let sender = match letterhead.sender() {
        [] => vec![proof.instance.sender.clone()],
        lines => lines.to_vec(),
    };
    let mut particulars_beside = Vec::new();
    if !letterhead.file_number.is_empty() {
        particulars_beside.push(("Aktenzeichen".to_owned(), letterhead.file_number.clone()));
    }
    particulars_beside.push(("Datum".to_owned(), date_in_words(written_on)));
    let mut blocks = vec![Block::Key(SUBJECT.to_owned()), Block::Facts(facts(particulars(proof)))];
    for (number, part) in (1..).zip(&proof.duties) {
        blocks.extend(duty_blocks(number, part, proof));
    }
    Document {
        subject: SUBJECT.to_owned(),
        author: sender.first().cloned().unwrap_or_default(),
        written_on,
        running_head: match letterhead.file_number.as_str() {
            "" => title.clone(),
            number => format!("Az. {number} · {title}"),
        },
        top: LetterTop { sender, recipient: Vec::new(), particulars: particulars_beside },
        title,
        blocks,
    }
}

fn duty_blocks(number: usize, part: &DutyProof, proof: &Proof) -> Vec<Block> {
    let zone = proof.zone;
    let mut begin = vec![Block::Heading(duty_heading(number, part, proof))];
    if !part.is_owed {
        begin.push(Block::Paragraph(NOT_OWED.to_owned()));
    }
    begin.push(Block::Facts(vec![("Meldestand".to_owned(), standing(part, zone))]));
    begin.push(Block::Subheading("Frist".to_owned()));
    begin.push(told("Die Frist und ihre Fassungen", ["Fassung", "Festlegung"], &deadlines(part, zone)));
    let mut blocks = vec![Block::Together(begin)];
    let sent = Block::Subheading("Gesendete Mitteilungen".to_owned());
    let mut notices =
        (1..).zip(&part.sent).map(|(index, notice)| notice_blocks(&format!("{number}.{index}"), notice, proof));
    let first = notices.next().unwrap_or_else(|| vec![Block::Paragraph(NOTHING.to_owned())]);
    blocks.push(Block::Together([vec![sent], first].concat()));
    blocks.extend(notices.map(Block::Together));
    let unsent = unsent(part, zone);
    if !unsent.is_empty() {
        blocks.push(Block::Together(vec![
            Block::Subheading("Nicht gesendete Mitteilungen".to_owned()),
            told("Was nicht gesendet wurde und warum nicht", ["Mitteilung", "Grund"], &unsent),
        ]));
    }
    let receipts = receipts(part, zone);
    let received = match receipts.as_slice() {
        [] => Block::Paragraph(NOTHING.to_owned()),
        some => told("Die Meldungseingänge in ihrer Reihenfolge", ["Eingang", "Einzelheiten"], some),
    };
    blocks.push(Block::Together(vec![Block::Subheading("Meldungseingänge".to_owned()), received]));
    blocks
}

/// What stays on one page if it can: a notice with its attempts and what came back.
fn notice_blocks(number: &str, notice: &NoticeProof, proof: &Proof) -> Vec<Block> {
    let zone = proof.zone;
    let mut told: Vec<(String, String)> = facts(about_notice(notice, zone));
    for attempt in &notice.attempts {
        told.extend(attempt_facts(attempt, proof));
    }
    for report in &notice.returns {
        let heading = return_heading(report, zone);
        let (what, verdict) = heading.split_once(": ").unwrap_or(("Rückmeldung", &heading));
        told.push((what.to_owned(), verdict.to_owned()));
        told.extend(facts(about_return(report)));
    }
    told.extend(facts(vec![result(notice)]));
    let mut blocks = vec![Block::Key(notice_heading(number, notice))];
    blocks.extend(notice_note(notice).map(Block::Small));
    blocks.push(Block::Facts(told));
    blocks
}

/// The first line says which attempt it is and what happened first.
fn attempt_facts(attempt: &AttemptProof, proof: &Proof) -> Vec<(String, String)> {
    let mut of_attempt = about_attempt(attempt, proof.zone);
    let (what, value) = of_attempt.remove(0); // how it ended is always told
    let first = if value.is_empty() { what.to_owned() } else { format!("{what}: {value}") };
    let mut told = vec![(attempt_heading(attempt), first)];
    told.extend(facts(of_attempt));
    told
}

fn facts(facts: Vec<Fact>) -> Vec<(String, String)> {
    facts.into_iter().map(|(what, value)| (with_capital(what), value)).collect()
}

fn with_capital(what: &str) -> String {
    let mut characters = what.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

fn told(summary: &str, [happened, more]: [&str; 2], all: &[Told]) -> Block {
    const HALF: f32 = 1.0;
    let row = |told: &Told| vec![Cell::text(&told.words), told.details.iter().collect()];
    Block::Table(Table {
        summary: summary.to_owned(),
        columns: vec![Column::new(happened, HALF), Column::new(more, HALF)],
        rows: all.iter().map(row).collect(),
    })
}
