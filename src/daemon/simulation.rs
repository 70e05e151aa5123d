//! Plays a scenario: the shipped tick and delivery on a virtual clock. Never has rules of its own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::domain::breaker::Breaker;
use crate::domain::dates::instant;
use crate::domain::delivery::Reply;
use crate::domain::list_entries::Refusal;
use crate::domain::list_report::Fate;
use crate::domain::request::{Asker, RequestError, import_signal};
use crate::domain::{Mailbox, Owner};
use crate::intake::read_bounded;
use crate::mail::{OutgoingMail, Transport};
use crate::settings::Source;
use crate::store::{OutboxFilter, Store, StoreError};

use super::clock::Clock;
use super::deliver::Deliverer;
use super::event::Event;
use super::recording::{RecordError, end_arrangement, record};
use super::scenario::{Action, Fault, Line, Scenario};
use super::simulated_return::return_newest;
use super::take_list::{ListOrder, take_list};
use super::tick::{TickError, TickMemo, tick};
use super::{Charter, CharterError};

const ACTOR: &str = "scenario";
const ROUNDS_MAX: usize = 100; // rounds at one instant; each queues or delivers something, so a story needs few

/// Why a scenario could not be played to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// A line asks for something that the settings do not know.
    #[error("line {line}: {cause}")]
    Request {
        /// Its number.
        line: usize,
        /// What is wrong.
        cause: RequestError,
    },
    /// A line ends an arrangement that is not there.
    #[error("line {line}: {authority} has no standing nil report or exemption for {duty} that reaches to that cycle")]
    NotArranged {
        /// Its number.
        line: usize,
        /// The authority.
        authority: String,
        /// The duty.
        duty: String,
    },
    /// A list cannot be taken.
    #[error("line {line}: {why}")]
    List {
        /// The line's number.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// A line names nobody.
    #[error("line {line}: {target:?}: is no authority, office or address of the roster")]
    Target {
        /// Its number.
        line: usize,
        /// The name.
        target: String,
    },
    /// Nothing can come back.
    #[error("line {line}: {target:?}: no mail to it was accepted up to then, so none can come back")]
    NothingSent {
        /// Its number.
        line: usize,
        /// The name.
        target: String,
    },
    /// The settings of a folder are not valid.
    #[error(transparent)]
    Charter(#[from] CharterError),
    /// A tick or a delivery failed.
    #[error(transparent)]
    Tick(#[from] TickError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A simulation at work.
#[derive(Debug)]
pub struct Simulation<'a, T> {
    /// The store that it fills.
    pub store: &'a Store,
    /// Settings and templates to begin with.
    pub charter: Charter,
    /// The virtual clock.
    pub clock: Clock,
    /// Where mails go that no fault stops.
    pub transport: T,
    /// Where folders that a scenario names are looked for, in order.
    pub folders: Vec<PathBuf>,
}

impl<T: Transport + Send> Simulation<'_, T> {
    /// Plays the scenario. `watch` sees each event in order of time; `progress` the instant that has been reached.
    ///
    /// # Errors
    /// At the first line that does not fit the settings, or if the store fails.
    pub async fn play(
        self,
        scenario: &Scenario,
        mut watch: impl FnMut(&Event, &Charter),
        mut progress: impl FnMut(DateTime<Utc>),
    ) -> Result<(), SimulationError> {
        let Self { store, mut charter, clock, transport, folders } = self;
        let zone = charter.settings.rulebook.zone;
        let until = instant(zone, scenario.until);
        let mut transport = FaultyTransport { inner: transport, faults: Arc::default(), clock: clock.clone() };
        let (_stop, stopped) = watch::channel(false);
        let mut lines = scenario.lines.iter().peekable();
        let mut memo = TickMemo::default();
        let mut breaker = Breaker::new(charter.settings.service.limits.breaker_failures);
        let mut again_at = None;
        let mut is_running = true;
        let mut now = instant(zone, scenario.from);
        while now <= until {
            clock.set(now);
            progress(now);
            while let Some(line) = lines.next_if(|line| instant(zone, line.at) <= now) {
                match &line.action {
                    Action::Stop => is_running = false,
                    Action::Start => {
                        is_running = true;
                        memo = TickMemo::default();
                        breaker = Breaker::new(charter.settings.service.limits.breaker_failures);
                    }
                    Action::Files(folder) => {
                        let source = Source::Folder(find(&folders, folder));
                        charter = Charter::load(&source, charter.generation + 1)?;
                    }
                    Action::Smtp { fault, target, until } => {
                        let until = until.map(|until| instant(zone, until));
                        transport.faults().push(ActiveFault::new(
                            &charter,
                            line.number,
                            *fault,
                            target.as_deref(),
                            until,
                            now,
                        )?);
                    }
                    Action::Import { file, kind, source } => {
                        let order =
                            ListOrder { kind: *kind, source: source.as_deref(), actor: ACTOR, ..ListOrder::default() };
                        import(store, &charter, line.number, &find(&folders, file), order, now).await?;
                    }
                    Action::Bounce { fate, target } => {
                        let mailboxes = named_mailboxes(&charter, line.number, target, now)?;
                        let events = return_newest(store, &charter, mailboxes, *fate, now).await?;
                        let nothing = || SimulationError::NothingSent { line: line.number, target: target.clone() };
                        events.ok_or_else(nothing)?.iter().for_each(|event| watch(event, &charter));
                    }
                    Action::Clear { target } => {
                        let mut tx = store.write().await?;
                        for mailbox in named_mailboxes(&charter, line.number, target, now)? {
                            tx.unflag(&mailbox, ACTOR, now).await?;
                        }
                        tx.commit().await?;
                    }
                    _ => act(store, &charter, line, now).await?,
                }
            }
            if is_running {
                for _ in 0..ROUNDS_MAX {
                    let mut events = tick(store, &charter, &mut memo, now).await?;
                    let mut deliverer = Deliverer {
                        store,
                        charter: &charter,
                        transport: &mut transport,
                        connections: 1, // a story tells one mail after the other
                        clock: &clock,
                        breaker: &mut breaker,
                        stop: stopped.clone(),
                    };
                    again_at = deliverer.deliver(&mut events).await?;
                    events.iter().for_each(|event| watch(event, &charter));
                    let changes = store.read().await?.service().await?.changes;
                    if events.is_empty() && memo.has_seen(changes) {
                        break;
                    }
                }
            }
            let next_line = lines.peek().map(|line| instant(zone, line.at));
            let next_work = if is_running { next_work(store, &charter, &memo, again_at, now).await? } else { None };
            let Some(next) = next_line.into_iter().chain(next_work).min() else { break };
            now = next.max(now + TimeDelta::seconds(1));
        }
        Ok(())
    }
}

/// The next instant at which the daemon can find something to do.
async fn next_work(
    store: &Store,
    charter: &Charter,
    memo: &TickMemo,
    not_before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, SimulationError> {
    let rulebook = &charter.settings.rulebook;
    let mut tx = store.read().await?;
    let is_paused = tx.service().await?.paused.is_some();
    let waiting = tx.next_due_at().await?.filter(|_| !is_paused);
    let waiting = waiting.map(|at| not_before.map_or(at, |not_before| at.max(not_before)));
    let delivery = match waiting {
        Some(at) if now < at && rulebook.sending.are_open(&rulebook.calendar, rulebook.zone, at) => Some(at),
        Some(at) => {
            let opening = rulebook.sending.next_opening(&rulebook.calendar, rulebook.zone, at.max(now));
            Some(opening.map_err(TickError::from)?)
        }
        None => None,
    };
    Ok(memo.quiet_until().into_iter().chain(delivery).min())
}

/// Finds a folder or file that a scenario names: beside the scenario, or in the working directory.
pub fn find(folders: &[PathBuf], named: &Path) -> PathBuf {
    folders.iter().map(|folder| folder.join(named)).find(|path| path.exists()).unwrap_or_else(|| named.to_owned())
}

/// Imports a list; a story in which one is refused is not the one that was meant.
async fn import(
    store: &Store,
    charter: &Charter,
    line: usize,
    path: &Path,
    order: ListOrder<'_>,
    now: DateTime<Utc>,
) -> Result<(), SimulationError> {
    let bytes = read_bounded(path).map_err(|why| SimulationError::List { line, why: why.to_string() })?;
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let taken = take_list(store, charter, ListOrder { file_name: &file_name, bytes: &bytes, ..order }, now).await?;
    let report = taken.report;
    if report.fate == Fate::Taken {
        return Ok(());
    }
    let of_row = |refusal: &Refusal| format!("{file_name}: Zeile {}: {}", refusal.line, refusal.reason);
    let why: Vec<String> = report.faults.into_iter().chain(report.refused.iter().map(of_row)).collect();
    Err(SimulationError::List { line, why: why.join("; ") })
}

/// Does what a person would do at a command line.
async fn act(store: &Store, charter: &Charter, line: &Line, now: DateTime<Utc>) -> Result<(), SimulationError> {
    let settings = &charter.settings;
    let refused = |cause| match cause {
        RecordError::Request(cause) => SimulationError::Request { line: line.number, cause },
        RecordError::Store(cause) => SimulationError::Store(cause),
        RecordError::Calendar(cause) => SimulationError::Tick(cause.into()),
    };
    let asker = Asker { source: "manual", actor: ACTOR, now };
    let mut tx = store.write().await?;
    match &line.action {
        Action::Record(request) => {
            record(&mut tx, settings, request, asker).await.map_err(refused)?;
        }
        Action::EndArrangement(request) => {
            if end_arrangement(&mut tx, settings, request, asker).await.map_err(refused)?.is_none() {
                return Err(SimulationError::NotArranged {
                    line: line.number,
                    authority: request.authority.clone(),
                    duty: request.duty.clone(),
                });
            }
        }
        Action::Imported { month, on } => {
            let signal = import_signal(*month, *on, asker).map_err(|cause| refused(cause.into()))?;
            tx.record_import(&signal).await?;
        }
        Action::Pause | Action::Resume => {
            tx.set_paused(line.action == Action::Pause, ACTOR, now).await?;
        }
        Action::Release => {
            tx.release(&OutboxFilter::default(), ACTOR, now).await?;
        }
        Action::Discard => {
            let held = OutboxFilter { state: Some(crate::domain::delivery::State::Held), ..OutboxFilter::default() };
            tx.discard(&held, ACTOR, now).await?;
        }
        // the loop itself does these
        Action::Stop | Action::Start | Action::Files(_) | Action::Smtp { .. } | Action::Import { .. } => {}
        Action::Bounce { .. } | Action::Clear { .. } => {}
    }
    tx.commit().await?;
    Ok(())
}

/// A mail system that takes everything and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMailSystem;

impl Transport for NoMailSystem {
    async fn prepare(&mut self, _: &OutgoingMail) -> Result<(), Reply> {
        Ok(())
    }

    async fn complete(&mut self, _: &OutgoingMail) -> Reply {
        Reply::Accepted { text: "250 simulated".to_owned() }
    }

    fn sibling(&self) -> Self {
        Self
    }

    async fn close(&mut self) {}
}

/// A transport with the faults of a scenario before it.
#[derive(Debug)]
struct FaultyTransport<T> {
    inner: T,
    faults: Arc<Mutex<Vec<ActiveFault>>>,
    clock: Clock,
}

#[derive(Debug)]
struct ActiveFault {
    fault: Fault,
    /// None: everybody's.
    mailboxes: Option<HashSet<Mailbox>>,
    until: Option<DateTime<Utc>>,
    struck: HashSet<Mailbox>,
}

impl ActiveFault {
    fn new(
        charter: &Charter,
        line: usize,
        fault: Fault,
        target: Option<&str>,
        until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Self, SimulationError> {
        let mailboxes = match target {
            None => None,
            Some(target) => Some(named_mailboxes(charter, line, target, now)?),
        };
        Ok(Self { fault, mailboxes, until, struck: HashSet::new() })
    }

    fn strikes(&self, mailbox: &Mailbox, now: DateTime<Utc>) -> bool {
        let is_meant = self.mailboxes.as_ref().is_none_or(|mailboxes| mailboxes.contains(mailbox));
        let is_spent = self.fault == Fault::BreakAfterData && self.until.is_none() && self.struck.contains(mailbox);
        is_meant && !is_spent && self.until.is_none_or(|until| now < until)
    }
}

/// The mailboxes of today of an authority or office, or an address of the roster.
fn named_mailboxes(
    charter: &Charter,
    line: usize,
    target: &str,
    now: DateTime<Utc>,
) -> Result<HashSet<Mailbox>, SimulationError> {
    let settings = &charter.settings;
    let today = crate::domain::dates::local_date(now, settings.rulebook.zone);
    let owners = [Owner::Authority(target.into()), Owner::Office(target.into())];
    let owned = owners.iter().flat_map(|owner| settings.roster.contacts_of(owner, today));
    let mut found: HashSet<Mailbox> = owned.map(|contact| contact.mailbox.clone()).collect();
    if let Ok(mailbox) = Mailbox::parse(target) {
        found.extend(settings.roster.contacts_at(&mailbox, today).map(|contact| contact.mailbox.clone()));
    }
    if found.is_empty() {
        return Err(SimulationError::Target { line, target: target.to_owned() });
    }
    Ok(found)
}

impl<T> FaultyTransport<T> {
    fn faults(&self) -> MutexGuard<'_, Vec<ActiveFault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Transport + Send> Transport for FaultyTransport<T> {
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        let now = self.clock.now();
        let struck =
            self.faults().iter().rev().find(|fault| fault.strikes(&mail.mailbox, now)).map(|fault| fault.fault);
        match struck {
            Some(Fault::Refuse(code @ 400..=499)) => Err(Reply::RefusedForNow { text: format!("{code} simulated") }),
            Some(Fault::Refuse(code)) => Err(Reply::RefusedForGood { text: format!("{code} simulated") }),
            Some(Fault::Down) => Err(Reply::NoRelay { text: "connection refused (simulated)".to_owned() }),
            Some(Fault::BreakAfterData) | None => self.inner.prepare(mail).await,
        }
    }

    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        let now = self.clock.now();
        let reply = self.inner.complete(mail).await;
        let breaks =
            |fault: &&mut ActiveFault| fault.fault == Fault::BreakAfterData && fault.strikes(&mail.mailbox, now);
        match self.faults().iter_mut().find(breaks) {
            Some(fault) => {
                fault.struck.insert(mail.mailbox.clone());
                Reply::Broken { text: "connection lost after DATA (simulated)".to_owned() }
            }
            None => reply,
        }
    }

    fn sibling(&self) -> Self {
        Self { inner: self.inner.sibling(), faults: Arc::clone(&self.faults), clock: self.clock.clone() }
    }

    async fn close(&mut self) {
        self.inner.close().await;
    }
}
