//! Takes a list of receipts: reads it, judges it, appends what is new, in one transaction (S3, S4, S6). Never takes half of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::domain::arrangement::{self, Arrangement, ArrangementKind};
use crate::domain::dates::instant_in_words;
use crate::domain::list::{Field, List, ListKind, ListRow};
use crate::domain::list_entries::{self, Entry, ListReader, Refusal, Stands, judge_until};
use crate::domain::list_report::{Fate, ListChange, ListReport};
use crate::domain::snapshot::is_news;
use crate::domain::standing::RunningStanding;
use crate::domain::words::{ends_line, recorded_in_words, turns_direction};
use crate::domain::{AuthorityId, Duty, DutyId, Month, Receipt, ReceiptState, cycle};
use crate::intake::{self, FileRefused, ReadOptions};
use crate::mail::sha256_hex;
use crate::store::{ReadList, Store, Tx};

use super::Charter;
use super::recording::take_effect;
use super::tick::TickError;

/// A list to be taken, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListOrder<'a> {
    /// The file's name.
    pub file_name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What tells this file of the drop folder from every other, so that it is taken once.
    pub stamp: Option<&'a str>,
    /// Where a refused list is put, if the ZRK is to be told of it by mail.
    pub told_of_refusal: Option<&'a str>,
    /// Who has it read.
    pub actor: &'a str,
    /// How the list speaks, whatever it says itself.
    pub kind: Option<ListKind>,
    /// Whose word it is, whatever it says itself.
    pub source: Option<&'a str>,
    /// The cycle of rows that do not say theirs.
    pub month: Option<Month>,
    /// The duty of rows that do not say theirs.
    pub duty: Option<&'a str>,
    /// The sheet of a workbook that has several.
    pub sheet: Option<&'a str>,
    /// Whether good rows are taken although others are refused.
    pub accept_good_rows: bool,
    /// Whether nothing is to be stored.
    pub is_trial: bool,
}

/// What became of a list, and its refused rows, to be corrected.
#[derive(Clone, Debug)]
pub struct TakenList {
    /// The report.
    pub report: ListReport,
    /// The list's columns with the refused rows alone; `None` if the file as a whole is refused or no row is.
    pub refused: Option<List>,
}

/// Takes a list.
///
/// # Errors
/// If the store or the calendar fails; nothing is changed then. A list that is refused is no error, but a report.
pub async fn take_list(
    store: &Store,
    charter: &Charter,
    order: ListOrder<'_>,
    now: DateTime<Utc>,
) -> Result<TakenList, TickError> {
    let options = ReadOptions { sheet: order.sheet.map(str::to_owned), ..ReadOptions::default() };
    let read = intake::read(order.file_name, order.bytes, &charter.settings.intake.columns, &options);
    take(store, charter, order, read, sha256_hex(order.bytes), now).await
}

/// Records that a file could not even be read, once.
///
/// # Errors
/// If the store fails.
pub async fn refuse_file(
    store: &Store,
    charter: &Charter,
    order: ListOrder<'_>,
    why: FileRefused,
    now: DateTime<Utc>,
) -> Result<TakenList, TickError> {
    take(store, charter, order, Err(why), String::new(), now).await
}

async fn take(
    store: &Store,
    charter: &Charter,
    order: ListOrder<'_>,
    read: Result<List, FileRefused>,
    sha256: String,
    now: DateTime<Utc>,
) -> Result<TakenList, TickError> {
    let rules = &charter.settings.intake;
    let mut report = ListReport {
        file: shown_name(order.file_name),
        at: now,
        kind: None,
        source: order.source.unwrap_or(&rules.source).to_owned(),
        rows: 0,
        fate: Fate::Refused,
        changes: Vec::new(),
        unchanged: 0,
        refused: Vec::new(),
        faults: Vec::new(),
        not_listed: Vec::new(),
    };
    let mut tx = if order.is_trial { store.read().await? } else { store.write().await? };
    let before = match order.stamp {
        Some(stamp) => tx.list_of(stamp).await?,
        None => None,
    };
    let read_before = before.map(|before| Fate::ReadBefore { at: before.at, was_taken: before.is_taken });
    if let Some(fate @ Fate::ReadBefore { was_taken: true, .. }) = read_before {
        report.fate = fate;
        return Ok(TakenList { report, refused: None });
    }
    // one that was refused is judged again, and nothing stored: its report may never have been written
    let order = ListOrder { is_trial: order.is_trial || read_before.is_some(), ..order };
    let mut refused_rows = None;
    match read {
        Err(why) => report.faults = why.to_string().lines().map(str::to_owned).collect(),
        Ok(list) => {
            report.kind = order.kind.or(list.kind).or(rules.kind);
            if let (None, Some(source)) = (order.source, &list.source) {
                report.source.clone_from(source);
            }
            match report.kind {
                None => report.faults.push(
                    "Die Liste sagt nicht, ob sie den ganzen Stand zeigt (snapshot) oder einzelne Eingänge (events); angenommen wird \
                     --kind snapshot oder --kind events, oder kind in [intake] von cycles.toml"
                        .to_owned(),
                ),
                Some(kind) => {
                    let taking = Taking { charter, order, list: &list, kind, source: receipt_source(&report.source), now };
                    taking.take(&mut tx, &mut report).await?;
                    refused_rows = only_refused(&list, &report.refused);
                }
            }
        }
    }
    if !order.is_trial {
        let read = ReadList {
            at: now,
            actor: order.actor.to_owned(),
            file: report.file.clone(),
            stamp: order.stamp.map(str::to_owned),
            sha256,
            kind: report.kind.map(|kind| kind.as_str().to_owned()),
            source: Some(report.source.clone()),
            rows_read: report.rows,
            receipts: if report.fate == Fate::Taken { report.changes.len() } else { 0 },
            refused: report.refused_rows(),
            is_taken: report.fate == Fate::Taken,
        };
        tx.record_list(&read).await?;
        if let (Fate::Refused, Some(place), Some(stamp)) = (report.fate, order.told_of_refusal, order.stamp) {
            tx.raise_alert(&report.alert(place, stamp), now).await?;
        }
        tx.commit().await?;
    }
    report.fate = read_before.unwrap_or(report.fate);
    Ok(TakenList { report, refused: refused_rows })
}

/// The source under which a list's receipts are kept, so that the next list is compared with them (S6).
fn receipt_source(source: &str) -> String {
    format!("list:{source}")
}

/// What a list's columns are, with the refused rows alone.
fn only_refused(list: &List, refused: &[Refusal]) -> Option<List> {
    let lines: HashSet<usize> = refused.iter().map(|refusal| refusal.line).collect();
    let rows: Vec<ListRow> = list.rows.iter().filter(|row| lines.contains(&row.line)).cloned().collect();
    (!rows.is_empty()).then(|| List { rows, ..list.clone() })
}

type CycleKey = (Month, DutyId);

/// One list that is being taken.
struct Taking<'a> {
    charter: &'a Charter,
    order: ListOrder<'a>,
    list: &'a List,
    kind: ListKind,
    source: String,
    now: DateTime<Utc>,
}

/// What is known of a cycle that a list speaks of.
struct Known<'a> {
    duty: &'a Duty,
    ends_on: NaiveDate,
    told: HashMap<AuthorityId, Told>,
}

/// What is known of one authority in a cycle.
#[derive(Default)]
struct Told {
    standing: RunningStanding,
    /// What the list's own source has said, with the instants at which it was reported.
    of_source: HashSet<(ReceiptState, DateTime<Utc>)>,
    newest_of_source: Option<DateTime<Utc>>,
    /// What it has said last.
    last_of_source: Option<Receipt>,
}

impl Told {
    fn of(receipts: &[Receipt], source: &str) -> Self {
        let mut told = Self::default();
        receipts.iter().for_each(|receipt| told.add(receipt, source));
        told
    }

    fn add(&mut self, receipt: &Receipt, source: &str) {
        self.standing.add(receipt);
        if receipt.source == source {
            self.of_source.insert((receipt.state.clone(), receipt.reported_at));
            self.newest_of_source = self.newest_of_source.max(Some(receipt.reported_at));
            self.last_of_source = Some(receipt.clone());
        }
    }
}

impl<'a> Taking<'a> {
    async fn take(&self, tx: &mut Tx, report: &mut ListReport) -> Result<(), TickError> {
        let settings = &self.charter.settings;
        let reader = ListReader {
            rulebook: &settings.rulebook,
            roster: &settings.roster,
            kind: self.kind,
            first_cycle: tx.service().await?.first_cycle,
            now: self.now,
            month: self.order.month,
            duty: self.order.duty,
        };
        let entries = list_entries::read(reader, self.list);
        report.rows = self.list.rows.len();
        report.refused = entries.refused;
        let mut known = self.known(tx, &entries.good).await?;
        let arrangements = tx.arrangements().await?;
        let mut new = Vec::new();
        let mut settled: Vec<Arrangement> = Vec::new();
        let mut listed: HashSet<(CycleKey, AuthorityId)> = HashSet::new();
        for entry in &entries.good {
            let key = (entry.month, entry.duty.clone());
            let Some(known) = known.get_mut(&key) else { continue };
            listed.insert((key, entry.authority.clone()));
            if let Some(refusal) = self.judge(entry, known) {
                report.refused.push(refusal);
                continue;
            }
            let receipt = self.receipt(entry);
            let arrangement = self.arrangement(entry);
            let was_arranged = arrangement.as_ref().is_some_and(|new| !arrangement::is_news(&arrangements, new));
            let is_arranged =
                !was_arranged && arrangement.as_ref().is_some_and(|new| arrangement::is_news(&settled, new));
            let told = known.told.entry(entry.authority.clone()).or_default();
            if !self.is_new(told, &receipt, was_arranged) && !is_arranged {
                report.unchanged += 1;
                continue;
            }
            let before = told.standing.standing(self.now, settings.rulebook.zone).state;
            let mut standing = told.standing.clone();
            standing.add(&receipt);
            let after = standing.standing(self.now, settings.rulebook.zone).state;
            if let Some(refusal) = self.judge_order(entry, told).filter(|_| before != after) {
                report.refused.push(refusal);
                continue;
            }
            report.changes.push(self.change(entry, known.duty, &before, &after));
            settled.extend(arrangement.filter(|_| is_arranged));
            told.add(&receipt, &self.source);
            new.push((entry.month, known.duty, receipt));
        }
        report.refused.sort_by_key(|refusal| refusal.line);
        if self.kind == ListKind::Snapshot {
            report.not_listed = self.not_listed(&known, &listed);
        }
        let is_good = report.refused.is_empty() || (self.order.accept_good_rows && report.refused_rows() < report.rows);
        report.fate = match (self.order.is_trial, is_good) {
            (true, _) => Fate::Tried,
            (false, true) => Fate::Taken,
            (false, false) => Fate::Refused,
        };
        if report.fate == Fate::Taken {
            let rows: Vec<(Month, &str, &Receipt)> =
                new.iter().map(|(month, duty, receipt)| (*month, &*duty.id, receipt)).collect();
            tx.append_receipts(&rows).await?;
            let mut first_of: BTreeMap<&DutyId, Month> = BTreeMap::new();
            for arrangement in &settled {
                tx.append_arrangement(arrangement).await?;
                let first = first_of.entry(&arrangement.duty).or_insert(arrangement.from);
                *first = arrangement.from.min(*first);
            }
            for (duty, from) in first_of {
                take_effect(tx, settings, duty, from, self.now).await?;
            }
        }
        Ok(())
    }

    /// What is known of every cycle that the list speaks of.
    async fn known(&self, tx: &mut Tx, entries: &[Entry]) -> Result<BTreeMap<CycleKey, Known<'a>>, TickError> {
        let rulebook = &self.charter.settings.rulebook;
        let mut all: BTreeMap<CycleKey, Known<'a>> = BTreeMap::new();
        for entry in entries {
            let key = (entry.month, entry.duty.clone());
            let Some(duty) = rulebook.duty(&entry.duty).filter(|_| !all.contains_key(&key)) else { continue };
            let dates = tx.date_facts(entry.month, &duty.id).await?;
            let computed = cycle::deadline(rulebook, duty, entry.month, dates.signal.as_ref())?;
            let (_, deadline) = cycle::in_force(&dates.revisions, computed);
            let receipts = tx.receipts(entry.month, &duty.id).await?;
            let told = receipts.iter().map(|(id, receipts)| (id.clone(), Told::of(receipts, &self.source))).collect();
            all.insert(key, Known { duty, ends_on: deadline.ends_on, told });
        }
        Ok(all)
    }

    fn judge(&self, entry: &Entry, known: &Known<'_>) -> Option<Refusal> {
        judge_until(entry, self.list, known.ends_on)
            .or_else(|| list_entries::judge_owing(entry, self.list, &self.charter.settings.roster, known.ends_on))
    }

    /// Refuses an event that comes after a newer one of its source: receipts count in the order in which they are recorded.
    fn judge_order(&self, entry: &Entry, told: &Told) -> Option<Refusal> {
        let at = entry.reported_at.filter(|_| self.kind == ListKind::Events)?;
        let newest = told.newest_of_source.filter(|newest| *newest > at)?;
        let zone = self.charter.settings.rulebook.zone;
        Some(Refusal {
            line: entry.line,
            column: self.list.heading(Field::ReportedAt).to_owned(),
            value: Some(instant_in_words(at, zone)),
            reason: format!(
                "ist älter als der jüngste erfasste Eingang derselben Quelle ({}) und würde ihn aufheben; bitte die Zeile löschen \
                 oder, wenn sie gilt, den Stand mit „fristd record“ erfassen",
                instant_in_words(newest, zone)
            ),
        })
    }

    fn receipt(&self, entry: &Entry) -> Receipt {
        Receipt {
            authority: entry.authority.clone(),
            state: entry.state.clone(),
            source: self.source.clone(),
            actor: self.order.actor.to_owned(),
            note: entry.note.clone(),
            received_at: self.now,
            reported_at: entry.reported_at.unwrap_or(self.now),
        }
    }

    /// What an entry says for more than its cycle (S7).
    fn arrangement(&self, entry: &Entry) -> Option<Arrangement> {
        let until = match entry.stands {
            Stands::ThisCycle => return None,
            Stands::Until(day) => Some(day),
            Stands::FurtherNotice => None,
        };
        Some(Arrangement {
            duty: entry.duty.clone(),
            authority: entry.authority.clone(),
            kind: ArrangementKind::parse(entry.state.as_str())?,
            from: entry.month,
            until,
            reason: entry.state.reason().or(entry.note.as_deref()).unwrap_or_default().to_owned(),
            source: self.source.clone(),
            actor: self.order.actor.to_owned(),
            recorded_at: self.now,
        })
    }

    /// Whether a receipt says something new: of a whole list, if its source has changed its mind (S6); of an event, if it was
    /// not recorded yet. What a source has arranged before for this cycle too, it has said of this cycle.
    fn is_new(&self, told: &Told, receipt: &Receipt, was_arranged: bool) -> bool {
        match self.kind {
            ListKind::Snapshot if was_arranged && told.of_source.is_empty() => false,
            ListKind::Snapshot => is_news(told.last_of_source.as_slice(), &self.source, &receipt.state),
            ListKind::Events => !told.of_source.contains(&(receipt.state.clone(), receipt.reported_at)),
        }
    }

    fn change(&self, entry: &Entry, duty: &Duty, before: &ReceiptState, after: &ReceiptState) -> ListChange {
        let settings = &self.charter.settings;
        let name = settings.roster.authority(&entry.authority).map_or(&*entry.authority, |authority| &authority.name);
        ListChange {
            line: entry.line,
            month: entry.month,
            duty_id: duty.id.to_string(),
            duty: duty.title.clone(),
            authority: entry.authority.to_string(),
            name: name.to_owned(),
            before: recorded_in_words(duty, before),
            after: recorded_in_words(duty, after),
            reported_at: entry.reported_at,
        }
    }

    /// Who owes a report and has no row.
    fn not_listed(
        &self,
        known: &BTreeMap<CycleKey, Known<'_>>,
        listed: &HashSet<(CycleKey, AuthorityId)>,
    ) -> Vec<(String, Month, Vec<String>)> {
        let roster = &self.charter.settings.roster;
        let absent = |key: &CycleKey, ends_on: NaiveDate| -> Vec<String> {
            roster
                .owing(ends_on)
                .filter(|authority| !listed.contains(&(key.clone(), authority.id.clone())))
                .map(|authority| authority.id.to_string())
                .collect()
        };
        known
            .iter()
            .map(|(key, known)| (known.duty.title.clone(), key.0, absent(key, known.ends_on)))
            .filter(|(_, _, ids)| !ids.is_empty())
            .collect()
    }
}

/// A file's name as it can be shown, logged and stored: one line, not too long.
pub fn shown_name(name: &str) -> String {
    const LENGTH_MAX: usize = 120; // longer ones tell nobody more
    let clean: String = name
        .chars()
        .map(|c| if c.is_control() || ends_line(c) || turns_direction(c) { '\u{fffd}' } else { c })
        .collect();
    match clean.chars().count() > LENGTH_MAX {
        true => clean.chars().take(LENGTH_MAX).chain(['…']).collect(),
        false => clean,
    }
}
