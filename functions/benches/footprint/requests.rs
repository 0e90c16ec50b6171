//! What was asked of AWS, and what DynamoDB bills for it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::support::proxy::Call;

/// The sizes of the items that were written, by their keys, in bytes.
type Sizes = HashMap<(String, String), usize>;

/// Requests by operation, with DynamoDB's units.
#[derive(Debug, Default)]
pub struct Bill {
    operations: BTreeMap<String, usize>,
    write_units: usize,
    read_units: usize,
}

impl Bill {
    /// Counts the requests from one place on. Those before it tell how large the items are that were read.
    pub fn of(calls: &[Call], from: usize) -> Self {
        let (mut bill, mut sizes) = (Self::default(), Sizes::new());
        for call in calls {
            let (writes, reads) = (write_units(call, &mut sizes), read_units(call, &sizes));
            if call.seq >= from {
                *bill.operations.entry(call.operation.clone()).or_default() += 1;
                bill.write_units += writes;
                bill.read_units += reads;
            }
        }
        bill
    }

    /// Prints a row: the requests for each of so many.
    pub fn print(&self, what: &str, each: usize) {
        let of = |service: &str| -> usize {
            self.operations.iter().filter(|(name, _)| name.starts_with(service)).map(|(_, count)| count).sum()
        };
        let operations: Vec<String> =
            self.operations.iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!(
            "| {what} | {each} | {} | {} | {} | {} | {} |",
            per(of("DynamoDB."), each),
            per(self.write_units, each),
            per(self.read_units, each),
            per(of("SQS."), each),
            operations.join(", ")
        );
    }
}

fn per(count: usize, each: usize) -> String {
    format!("{:.2}", count as f64 / each as f64)
}

fn key(of: &Value) -> (String, String) {
    let text = |name: &str| of[name]["S"].as_str().unwrap_or_default().to_owned();
    (text("pk"), text("sk"))
}

/// A unit writes 1 KB; a transaction takes two.
fn write_units(call: &Call, sizes: &mut Sizes) -> usize {
    match call.operation.as_str() {
        "DynamoDB.PutItem" => put(&call.body["Item"], 1, sizes),
        "DynamoDB.DeleteItem" | "DynamoDB.UpdateItem" => 1,
        "DynamoDB.TransactWriteItems" => {
            let writes = call.body["TransactItems"].as_array().map(Vec::as_slice).unwrap_or_default();
            let units =
                writes.iter().map(|write| write.get("Put").map_or(2, |put_| put(&put_["Item"], 2, sizes)));
            units.sum()
        }
        _ => 0,
    }
}

/// A user's state is written to the index as well, where the old entry goes and the new one comes. The text of a request
/// is a little longer than what DynamoDB reckons with.
fn put(item: &Value, times: usize, sizes: &mut Sizes) -> usize {
    let size = item.to_string().len();
    sizes.insert(key(item), size);
    let units = size.div_ceil(1024);
    if item.get("outcome").is_some() { units * (times + 2) } else { units * times }
}

/// A unit reads 4 KB. A query takes at least one, half of one in the index; what it finds there is not reckoned.
fn read_units(call: &Call, sizes: &Sizes) -> usize {
    let of = |it: &Value| sizes.get(&key(it)).map_or(1, |size| size.div_ceil(4096));
    match call.operation.as_str() {
        "DynamoDB.Query" => 1,
        "DynamoDB.GetItem" => of(&call.body["Key"]),
        "DynamoDB.BatchGetItem" => {
            let tables = call.body["RequestItems"].as_object();
            tables.into_iter().flatten().filter_map(|(_, it)| it["Keys"].as_array()).flatten().map(of).sum()
        }
        _ => 0,
    }
}
