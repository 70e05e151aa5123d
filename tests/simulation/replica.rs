//! One replica: what `fristd run` does in a round, with the shipped parts. Never does anything of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use fristd::daemon::Charter;
use fristd::daemon::clock::Clock;
use fristd::daemon::deliver::Deliverer;
use fristd::daemon::event::Event;
use fristd::daemon::tick::{TickError, TickMemo, tick};
use fristd::domain::breaker::Breaker;
use fristd::store::{StaleClaims, Store};
use tokio::sync::watch;

use super::gate::Gate;
use super::land::Land;
use super::relay::{Connection, Relay};

/// What a replica works by: the same settings twice, as fristd and as the model knows them.
#[derive(Clone)]
pub struct Files {
    pub charter: Charter,
    pub land: Arc<Land>,
}

/// What a replica keeps in memory from round to round. A crash takes it.
#[derive(Default)]
pub struct Memory {
    pub memo: TickMemo,
    breaker: Option<Breaker>,
    has_recovered: bool,
}

/// What is lost with the process, and what a new one begins with.
pub struct Body {
    pub store: Store,
    pub clock: Clock,
    pub relay: Arc<Mutex<Relay>>,
    pub gate: Gate,
    pub replica: usize,
    /// Whether no other process can be at work on this database.
    pub is_alone: bool,
    pub connections: u32,
}

/// How a round ended.
pub struct Ended {
    pub memory: Memory,
    /// When the delivery wants to be called again, if something waits for a limit or the breaker.
    pub outcome: Result<Option<DateTime<Utc>>, TickError>,
    pub events: Vec<Event>,
    /// Until when nothing can become due, as the tick says.
    pub quiet_until: Option<DateTime<Utc>>,
}

pub type Round = Pin<Box<dyn Future<Output = Ended>>>;

/// One round, as `Service::round` in `src/daemon/run.rs` has it.
pub fn round(body: Arc<Body>, files: Files, memory: Memory) -> Round {
    Box::pin(async move {
        let mut memory = memory;
        let mut events = Vec::new();
        let outcome = tick_and_deliver(&body, &files.charter, &mut memory, &mut events).await;
        let quiet_until = memory.memo.quiet_until();
        Ended { memory, outcome, events, quiet_until }
    })
}

async fn tick_and_deliver(
    body: &Body,
    charter: &Charter,
    memory: &mut Memory,
    events: &mut Vec<Event>,
) -> Result<Option<DateTime<Utc>>, TickError> {
    let (_sender, stop) = watch::channel(false);
    let mut transport = Connection { replica: body.replica, relay: body.relay.clone(), gate: body.gate.clone() };
    let breaker = memory.breaker.get_or_insert_with(|| Breaker::new(charter.settings.service.limits.breaker_failures));
    let mut deliverer = Deliverer {
        store: &body.store,
        charter,
        transport: &mut transport,
        connections: body.connections,
        clock: &body.clock,
        breaker,
        stop,
    };
    if !memory.has_recovered {
        let claims = if body.is_alone { StaleClaims::All } else { StaleClaims::Own };
        if let Ok(recovered) = deliverer.recover(claims).await {
            memory.has_recovered = true;
            events.extend(recovered);
        }
    }
    let now = body.clock.now();
    let has_stale_claims = body.store.read().await?.has_stale_claims(now).await?;
    if has_stale_claims && let Ok(recovered) = deliverer.recover(StaleClaims::LeaseEnded).await {
        events.extend(recovered);
    }
    events.extend(tick(&body.store, charter, &mut memory.memo, now).await?);
    memory.has_recovered = false; // should it fail
    let again_at = deliverer.deliver(events).await?;
    memory.has_recovered = true;
    Ok(again_at)
}
