//! `fristd audit`: verifies and exports the chained log (M7). Never writes to the database.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::settings::load_service;
use crate::store::{Audit as Examined, ChainChecker, ChainReport, Head, LogEntry, LogHead, LogRow, Store};

use super::audit_words::{chain_fault_in_words, table_fault_in_words};
use super::{Ending, Shell, WrongInput, counted, print_json, print_line};

const PAGE_ENTRIES: usize = 1000; // some hundred kilobytes at a time
const LINE_MIB_MAX: usize = 16; // an entry that names ten thousand notices has less than one

/// Verifies or exports the chained log of everything that happened.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd audit verify\n  \
    fristd audit verify --head 1234:5f2c…\n  \
    fristd audit export --to log.jsonl\n  \
    fristd audit verify --export log.jsonl --head 1234:5f2c…\n\n\
    docs/audit.md lists all events, says how the hash is computed, and how to verify an export\n\
    without fristd.")]
pub(super) struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Says whether the log, and what it attests in the tables, is as it was written.
    ///
    /// Finds entries that were changed, taken out, put in, doubled, put elsewhere or cut off at the end, and receipts, deliveries,
    /// mails and frozen deadlines that differ from their entries. A log that was written anew as a whole, with its head, is found
    /// only by a head that was noted elsewhere before: note the one that is printed, and give it with --head another time.
    /// Ends with 0 if all is intact, with 1 if anything is wrong.
    #[command(after_help = "Examples:\n  \
        fristd audit verify\n  \
        fristd audit verify --head 1234:5f2c…\n  \
        fristd audit verify --export log.jsonl")]
    Verify {
        /// A head that was noted before: the entry NUMBER must have HASH.
        #[arg(long, value_name = "NUMBER:HASH", value_parser = noted_head)]
        head: Option<LogHead>,
        /// Verify an exported file instead; needs neither settings nor a database. `-` reads from stdin.
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes the log as JSON lines, with all that its hashes are made of.
    #[command(after_help = "Examples:\n  \
        fristd audit export --to log.jsonl\n  \
        fristd audit export --from 1200 | jq -r .event | sort | uniq -c")]
    Export {
        /// Begin with this entry.
        #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
        from: i64,
        /// Write to this file, which must not be there yet; else to stdout.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

fn noted_head(text: &str) -> Result<LogHead, String> {
    LogHead::parse(text)
}

impl Audit {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        match self.command {
            AuditCommand::Verify { head, export: Some(file), json } => verify_export(&file, head, json),
            AuditCommand::Verify { head, export: None, json } => {
                let examined = store(shell).await?.read().await?.audit(head).await?;
                if json {
                    print_json(&as_json(&examined))?
                } else {
                    print_line(&in_words(&examined))?
                }
                Ok(if examined.is_intact() { Ending::Done } else { Ending::Refused })
            }
            AuditCommand::Export { from, to } => export(shell, from, to.as_deref()).await,
        }
    }
}

/// The database, opened only to look; also while the lists are being edited.
async fn store(shell: &Shell) -> anyhow::Result<Store> {
    shell.store_to_look(&load_service(&shell.source()?)?).await
}

async fn export(shell: &Shell, from: i64, to: Option<&Path>) -> anyhow::Result<Ending> {
    let mut tx = store(shell).await?.read().await?;
    let mut out: Box<dyn Write> = match to {
        None => Box::new(std::io::stdout().lock()),
        Some(path) => Box::new(File::create_new(path).map_err(|cause| cannot_write(path, &cause))?),
    };
    let mut lines = BufWriter::new(&mut out);
    let (mut last, mut count, mut unreadable) = (from - 1, 0, 0);
    loop {
        let page = tx.log_page(Some(last), PAGE_ENTRIES).await?;
        let before = last;
        for row in page {
            match row {
                LogRow::Entry(entry) => {
                    last = entry.number;
                    count += 1;
                    writeln!(lines, "{}", entry_json(&entry)).context("the export cannot be written")?;
                }
                LogRow::Unreadable(number) => {
                    last = number.unwrap_or(last);
                    unreadable += 1;
                }
            }
        }
        if last == before {
            break;
        }
    }
    lines.flush().context("the export cannot be written")?;
    if unreadable > 0 {
        eprintln!(
            "fristd: {} of the log cannot be read and {} not exported; `fristd audit verify` names them",
            if unreadable == 1 { "a row".to_owned() } else { format!("{unreadable} rows") },
            if unreadable == 1 { "is" } else { "are" },
        );
        return Ok(Ending::Refused);
    }
    Ok(if count == 0 { Ending::NothingMatched } else { Ending::Done })
}

fn cannot_write(path: &Path, cause: &std::io::Error) -> WrongInput {
    WrongInput(match cause.kind() {
        std::io::ErrorKind::AlreadyExists => format!("{}: is there already; name a new file", path.display()),
        _ => format!("{}: cannot be written: {cause}", path.display()),
    })
}

fn verify_export(file: &Path, noted: Option<LogHead>, json: bool) -> anyhow::Result<Ending> {
    let name = file.display().to_string();
    let wrong = |words: String| WrongInput(format!("{name}: {words}"));
    let mut reader: Box<dyn std::io::BufRead> = match name.as_str() {
        "-" => Box::new(std::io::stdin().lock()),
        _ => Box::new(BufReader::new(File::open(file).map_err(|cause| wrong(format!("cannot be read: {cause}")))?)),
    };
    let mut noted = noted;
    let mut checker: Option<ChainChecker> = None;
    let mut first = 1;
    for line_number in 1_usize.. {
        let mut line = Vec::new();
        let mut bounded = std::io::Read::take(&mut reader, (LINE_MIB_MAX * 1024 * 1024) as u64);
        let length = bounded.read_until(b'\n', &mut line).map_err(|cause| wrong(format!("cannot be read: {cause}")))?;
        if length == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && length == LINE_MIB_MAX * 1024 * 1024 {
            return Err(wrong(format!("line {line_number} is longer than {LINE_MIB_MAX} MiB; is it an export?")).into());
        }
        let entry = entry_of(&line).ok_or_else(|| {
            wrong(format!("line {line_number} is no entry; each line is what `fristd audit export` writes"))
        })?;
        let checker = checker.get_or_insert_with(|| {
            first = entry.number.max(1);
            ChainChecker::new(first, Head::Unknown, noted.take())
        });
        checker.read(&entry);
    }
    let Some(checker) = checker else {
        eprintln!("fristd: {name}: holds no entry");
        return Ok(Ending::NothingMatched);
    };
    let report = checker.end();
    if json {
        let mut value = chain_json(&report);
        value["intact"] = json!(report.faults.is_empty());
        value["first"] = json!(first);
        value["head"] = json!({ "number": report.last.number, "hash": report.last.hash });
        print_json(&value)?;
    } else {
        let mut lines = vec![format!("export     {}, from {first} to {}", entries(&report), report.last.number)];
        lines.extend(chain_lines(&report));
        lines.push(format!("last       {}", report.last));
        lines.push(match report.faults.is_empty() {
            true => "intact, as far as it goes: what follows its last entry only a noted head can show".to_owned(),
            false => "NOT INTACT; docs/audit.md says what to do".to_owned(),
        });
        print_line(&lines.join("\n"))?;
    }
    Ok(if report.faults.is_empty() { Ending::Done } else { Ending::Refused })
}

/// An entry as a line of an export: `at` and `facts` are exactly what was hashed.
fn entry_json(entry: &LogEntry) -> Value {
    json!({
        "number": entry.number, "at": entry.at_in_words(), "actor": entry.actor, "event": entry.event, "facts": entry.facts,
        "previous": entry.previous, "hash": entry.hash,
    })
}

fn entry_of(line: &[u8]) -> Option<LogEntry> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let at = text("at")?;
    let entry = LogEntry {
        number: value["number"].as_i64()?,
        at: at.parse().ok()?,
        actor: text("actor")?,
        event: text("event")?,
        facts: text("facts")?,
        previous: text("previous")?,
        hash: text("hash")?,
    };
    // what is hashed is the text: another one for the same instant would be hidden by reading it
    (entry.at_in_words() == at).then_some(entry)
}

fn in_words(examined: &Examined) -> String {
    let Examined { head, chain, tables } = examined;
    let mut lines = vec![format!("log        {}", entries(chain))];
    lines.extend(chain_lines(chain));
    lines.push(format!(
        "tables     {}, {}, {}, {} and {} compared",
        counted(count(tables.receipts), "receipt"),
        counted(count(tables.attempts), "attempt"),
        counted(count(tables.mails), "mail"),
        counted(count(tables.revisions), "frozen deadline"),
        counted(count(tables.notices), "notice"),
    ));
    lines.extend(tables.faults.iter().map(|fault| format!("  WRONG    {}", table_fault_in_words(fault))));
    lines.extend(more(tables.more_faults));
    if let Some(head) = head {
        lines.push(format!("head       {head}"));
    }
    lines.push(match examined.is_intact() {
        true => "intact; note the head elsewhere and give it with --head another time".to_owned(),
        false => "NOT INTACT; docs/audit.md says what each of it means and what to do".to_owned(),
    });
    lines.join("\n")
}

fn entries(chain: &ChainReport) -> String {
    counted(count(chain.entries), "entry").replace("entrys", "entries")
}

fn chain_lines(chain: &ChainReport) -> Vec<String> {
    let mut lines: Vec<String> =
        chain.faults.iter().map(|fault| format!("  WRONG    {}", chain_fault_in_words(fault))).collect();
    lines.extend(more(chain.more_faults));
    if chain.earlier_count > 0 {
        let numbers: Vec<String> = chain.earlier.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "  remark   {} earlier than the one before ({}): a clock was set back, or two wrote at the same moment; no fault",
            if chain.earlier_count == 1 {
                "an entry is".to_owned()
            } else {
                format!("{} entries are", chain.earlier_count)
            },
            numbers.join(", "),
        ));
    }
    lines
}

fn more(count: u64) -> Option<String> {
    (count > 0).then(|| format!("  WRONG    and {count} more"))
}

fn as_json(examined: &Examined) -> Value {
    let Examined { head, chain, tables } = examined;
    let mut value = chain_json(chain);
    value["intact"] = json!(examined.is_intact());
    value["head"] = json!(head.as_ref().map(|head| json!({ "number": head.number, "hash": head.hash })));
    let fault = |fault: &crate::store::TableFault| {
        json!({
            "table": fault.table, "row": fault.row, "entry": fault.entry, "kind": fault.kind.as_str(),
            "means": table_fault_in_words(fault),
        })
    };
    value["tables"] = json!({
        "receipts": tables.receipts, "attempts": tables.attempts, "mails": tables.mails, "revisions": tables.revisions,
        "notices": tables.notices, "faults": tables.faults.iter().map(fault).collect::<Vec<_>>(),
        "more_faults": tables.more_faults,
    });
    value
}

fn chain_json(chain: &ChainReport) -> Value {
    let fault = |fault: &crate::store::ChainFault| {
        json!({
            "entry": fault.number, "to": fault.to, "kind": fault.kind.as_str(), "means": chain_fault_in_words(fault),
        })
    };
    json!({
        "entries": chain.entries, "faults": chain.faults.iter().map(fault).collect::<Vec<_>>(),
        "more_faults": chain.more_faults, "earlier": chain.earlier,
    })
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
