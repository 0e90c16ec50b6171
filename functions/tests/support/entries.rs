//! Requests of several entries of which some fail.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::loopback::{self, Forward, Lost};

/// An SQS batch whose entries with these ids are refused.
pub async fn refuse(
    target: &Forward,
    request: Request<Bytes>,
    ids: &[String],
    code: &str,
    sender_fault: bool,
) -> Result<Response<Bytes>, Lost> {
    let mut body: Value = serde_json::from_slice(request.body()).map_err(|_| Lost)?;
    let entries = body["Entries"].as_array_mut().expect("a batch has entries");
    let is_refused = |entry: &Value| ids.iter().any(|id| entry["Id"] == id.as_str());
    let refused: Vec<Value> = entries
        .iter()
        .filter(|entry| is_refused(entry))
        .map(|entry| {
            json!({"Id": entry["Id"], "Code": code, "SenderFault": sender_fault, "Message": "refused by a test"})
        })
        .collect();
    entries.retain(|entry| !is_refused(entry));
    let mut answer = json!({"Successful": []});
    if !entries.is_empty() {
        answer = send(target, request, &body).await?;
    }
    let mut failed = answer["Failed"].as_array().cloned().unwrap_or_default();
    failed.extend(refused);
    answer["Failed"] = failed.into();
    Ok(loopback::json(StatusCode::OK, &answer))
}

/// A `BatchGetItem` that is answered for the first `most` keys of its table only.
pub async fn leave_keys(
    target: &Forward,
    request: Request<Bytes>,
    most: usize,
) -> Result<Response<Bytes>, Lost> {
    let mut body: Value = serde_json::from_slice(request.body()).map_err(|_| Lost)?;
    let (table, asked) =
        body["RequestItems"].as_object().and_then(|tables| tables.iter().next()).expect("it names a table");
    let (table, mut left) = (table.clone(), asked.clone());
    let keys = asked["Keys"].as_array().expect("it names keys").clone();
    let (now, later) = keys.split_at(most.min(keys.len()));
    left["Keys"] = later.into();
    let mut answer = json!({"Responses": {&table: []}});
    if !now.is_empty() {
        body["RequestItems"][&table]["Keys"] = now.into();
        answer = send(target, request, &body).await?;
    }
    answer["UnprocessedKeys"] = if later.is_empty() { json!({}) } else { json!({table: left}) };
    Ok(loopback::json(StatusCode::OK, &answer))
}

async fn send(target: &Forward, request: Request<Bytes>, body: &Value) -> Result<Value, Lost> {
    let request = request.map(|_| Bytes::from(body.to_string()));
    let answer = target.send(request).await?;
    serde_json::from_slice(answer.body()).map_err(|_| Lost)
}
