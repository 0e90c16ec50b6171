//! Preflight as drain uses it: one reading for all handlings, renewed every 10 minutes.

use std::sync::Arc;

use super::{Drain, handle::Interrupted};
use crate::preflight::Preflight;

impl Drain {
    /// The tenant as read at most 10 minutes ago.
    pub async fn preflight(&self) -> Result<Arc<Preflight>, Interrupted> {
        let mut held = self.preflight.lock().await;
        let now = self.clock.now();
        if let Some(preflight) = held.as_ref().filter(|preflight| !preflight.is_stale(now)) {
            return Ok(Arc::clone(preflight));
        }
        let read = Arc::new(Preflight::read(&self.graph, &self.settings, now).await?);
        for fault in &read.faults {
            tracing::error!(cause = %fault, "preflight failed");
        }
        *held = Some(Arc::clone(&read));
        Ok(read)
    }

    /// The reading that is at hand, for the next drain of this process.
    pub async fn last_preflight(&self) -> Option<Arc<Preflight>> {
        self.preflight.lock().await.clone()
    }

    /// Starts from an earlier reading.
    pub async fn with_preflight(self, preflight: Arc<Preflight>) -> Self {
        *self.preflight.lock().await = Some(preflight);
        self
    }
}
