//! What was in an export.

use std::fmt;

/// The format of an export, recognised by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// JSON records as Graph returns them and as the portal downloads them.
    Graph,
    /// The portal's CSV, or what a spreadsheet made of it.
    PortalCsv,
    /// Azure Monitor's envelope, as an Event Hub or a storage account keeps it.
    AzureMonitor,
    /// Rows of the `AuditLogs` table of Log Analytics.
    LogAnalytics,
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Graph => "Graph JSON",
            Self::PortalCsv => "portal CSV",
            Self::AzureMonitor => "Azure Monitor",
            Self::LogAnalytics => "Log Analytics",
        })
    }
}

/// What was in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The format of the first record; of the file around it if there is none.
    pub format: ExportFormat,
    /// How many audit records were read.
    pub records: u64,
    /// How many records could not be read.
    pub bad: u64,
}
