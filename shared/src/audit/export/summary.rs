//! What was in an export.

use std::fmt;

use jiff::Timestamp;

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
    /// The unified audit log, from the Office 365 Management Activity API or Purview.
    Unified,
}

impl fmt::Display for ExportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Graph => "Graph JSON",
            Self::PortalCsv => "portal CSV",
            Self::AzureMonitor => "Azure Monitor",
            Self::LogAnalytics => "Log Analytics",
            Self::Unified => "unified audit log",
        })
    }
}

/// Why an export is not all of what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// Its last page names a next one.
    NextPage,
    /// It has exactly as many records as some product gives out at most.
    Limit {
        /// The number of records at which the export stops.
        records: u64,
        /// Whose limit it is.
        whose: &'static str,
    },
}

impl fmt::Display for Partial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NextPage => f.write_str(
                "partial: its last page names a next one (@odata.nextLink): fetch the pages behind it, until one \
                 names none, and give them all, in order",
            ),
            Self::Limit { records, whose } => write!(
                f,
                "perhaps partial: it ends at {records} records, the most that {whose}: export shorter stretches of \
                 time, and give them all"
            ),
        }
    }
}

/// The most records that a product gives out at once.
const LIMITS: [(u64, &str); 6] = [
    (1_000, "Graph gives on one page"),
    (5_000, "Search-UnifiedAuditLog and older portals give out"),
    (30_000, "the portal of Log Analytics gives out"),
    (50_000, "Purview gives out"),
    (100_000, "advanced hunting gives out"),
    (250_000, "the portal gives out"),
];

/// What was in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// The format of the first record; of the file around it if there is none.
    pub format: ExportFormat,
    /// How many audit records were read.
    pub records: u64,
    /// How many records could not be read.
    pub bad: u64,
    /// When the earliest and the latest of the records read happened; `None` if there are none.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Whether it is known not to be all of what was asked for.
    pub partial: Option<Partial>,
}

/// Whether records of this number, good and bad, are likely cut off.
pub(super) fn partial(has_next: bool, records: u64) -> Option<Partial> {
    let limit = LIMITS.iter().find(|(limit, _)| *limit == records);
    let at_limit = limit.map(|(records, whose)| Partial::Limit { records: *records, whose });
    if has_next { Some(Partial::NextPage) } else { at_limit }
}
