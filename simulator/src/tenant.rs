//! The tenant and how it takes requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    answer::{self, Handled, Refusal, Success},
    call::{Call, Version},
    faults::{Fate, Slow},
    graph,
    ids::{object_id, random_uuid},
    journal::JournalEntry,
    login, operator,
    options::Options,
    service::{ConnectionLost, InProcess},
    state::State,
};

type Hook = Arc<dyn Fn(&JournalEntry) + Send + Sync>;

/// A simulated tenant. Clones are the same tenant.
#[derive(Clone)]
pub struct Tenant {
    state: Arc<Mutex<State>>,
    hooks: Arc<Mutex<Vec<Hook>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tenant {
    /// An empty tenant.
    pub fn new(options: Options) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(options))), hooks: Arc::default() }
    }

    /// The tenant as a service, for a client in the same process. The host in a request's URI does
    /// not matter.
    pub fn service(&self) -> InProcess {
        InProcess::new(self.clone())
    }

    /// Every request in order of arrival.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.state().journal.clone()
    }

    /// Calls `hook` after each request was handled and before its answer is sent. The hook may use
    /// the tenant.
    pub fn on_request(&self, hook: impl Fn(&JournalEntry) + Send + Sync + 'static) {
        lock(&self.hooks).push(Arc::new(hook));
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Takes one request.
    pub(crate) async fn take(self, request: Request<Bytes>) -> Result<Response<Bytes>, ConnectionLost> {
        let call = Call::new(request);
        if let Some(handled) = operator::handle(&self, &call) {
            let mut state = self.state();
            let (now, id) = (state.now(), random_uuid(&mut state.chance));
            return Ok(answer::response(&handled, now, id));
        }
        let (seq, fate) = self.begin(&call);
        match fate.slow {
            Some(Slow { pause, acts_late: true }) => {
                // The server goes on when the caller hangs up.
                let late = async move {
                    tokio::time::sleep(pause).await;
                    self.finish(seq, &fate, &call)
                };
                tokio::spawn(late).await.unwrap_or(Err(ConnectionLost))
            }
            Some(Slow { pause, acts_late: false }) => {
                let response = self.finish(seq, &fate, &call);
                tokio::time::sleep(pause).await;
                response
            }
            None => self.finish(seq, &fate, &call),
        }
    }

    fn begin(&self, call: &Call) -> (usize, Fate) {
        let mut state = self.state();
        let segments = call.segments().unwrap_or_default();
        let (user, segment, method_id) = match segments.as_slice() {
            ["v1.0" | "beta", "users", user, rest @ ..] => {
                let user = state.find(user).map(|account| account.id).or_else(|| object_id(user));
                let below = |at: usize| {
                    rest.get(at).filter(|_| rest[0] == "authentication").map(|text| (*text).to_owned())
                };
                (user, below(1), below(2))
            }
            _ => (None, None, None),
        };
        let entry = JournalEntry {
            at: state.now(),
            seq: state.journal.len(),
            method: call.method.to_string(),
            path: call.target(),
            status: 0,
            acted: false,
            user,
            segment,
            method_id,
            throttled: false,
        };
        let login = segments.get(1) == Some(&"oauth2");
        let seq = entry.seq;
        state.journal.push(entry);
        let now = state.now();
        let State { options, chance, .. } = &mut *state;
        (seq, Fate::draw(&options.faults, chance, now, login))
    }

    fn finish(&self, seq: usize, fate: &Fate, call: &Call) -> Result<Response<Bytes>, ConnectionLost> {
        let (response, entry) = {
            let mut state = self.state();
            let (handled, acted) = act(&mut state, fate, call);
            let (now, id) = (state.now(), random_uuid(&mut state.chance));
            let lost = fate.reset_before || fate.reset_after;
            let response =
                if lost { Err(ConnectionLost) } else { Ok(answer::response(&fate.spoil(handled), now, id)) };
            let entry = &mut state.journal[seq];
            entry.status = response.as_ref().map_or(0, |response| response.status().as_u16());
            entry.throttled = entry.status == 429;
            entry.acted = acted;
            (response, entry.clone())
        };
        let hooks = lock(&self.hooks).clone();
        for hook in hooks {
            hook(&entry);
        }
        response
    }
}

/// Does what was asked, as far as fate lets it, and says whether it was done.
fn act(state: &mut State, fate: &Fate, call: &Call) -> (Handled, bool) {
    if fate.reset_before {
        return (Ok(Success::NoContent), false);
    }
    let Some(refusal) = &fate.refusal else {
        let handled = route(state, call);
        let acted = handled.is_ok();
        return (handled, acted);
    };
    let acted = fate.acts_all_the_same() && route(state, call).is_ok();
    (Err(refusal.clone()), acted)
}

fn route(state: &mut State, call: &Call) -> Handled {
    let segments = call.segments().ok_or_else(|| Refusal::bad("Malformed path."))?;
    match segments.as_slice() {
        [tenant, "oauth2", "v2.0", "token"] => login::token(state, tenant, call),
        ["v1.0", rest @ ..] => graph::handle(state, Version::V1, rest, call),
        ["beta", rest @ ..] => graph::handle(state, Version::Beta, rest, call),
        _ => Err(Refusal::graph(404, "ResourceNotFound", "Resource not found.")),
    }
}

#[cfg(test)]
mod tests;
