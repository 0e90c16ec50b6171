//! The queues and the table of `template.yaml`, in a double.

use aws_sdk_dynamodb::{Client as DynamoDb, types::TimeToLiveSpecification};
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_sqs::{Client as Sqs, types::QueueAttributeName as Attribute};
use reqwest::header;
use serde_json::{Map, Value, json};

use super::{
    REGION,
    doubles::{Service, config},
    loopback, template,
};

/// What a deployment of the template would have made, under names of its own.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The double's own, past any proxy.
    pub endpoint: String,
    pub queue_url: String,
    pub queue_arn: String,
    pub dead_letter_queue_url: String,
    pub table: String,
    pub sqs: Sqs,
    pub dynamodb: DynamoDb,
    pub secrets: SecretsManager,
}

impl Stack {
    pub async fn create(service: &Service) -> Self {
        let endpoint = service.endpoint();
        let name = format!("test-{}", uuid::Uuid::new_v4().simple());
        let config = config(&endpoint).await;
        let sqs = Sqs::new(&config);
        let (queue, dead_letters) = template::queues();
        let dead_letter_queue_url =
            create_queue(&sqs, &format!("{name}-dead-letters"), dead_letters, None).await;
        let dead_letter_arn = arn(&sqs, &dead_letter_queue_url).await;
        let queue_url = create_queue(&sqs, &format!("{name}-queue"), queue, Some(&dead_letter_arn)).await;
        let queue_arn = arn(&sqs, &queue_url).await;
        let table = format!("{name}-ledger");
        create_table(&endpoint, &table).await;
        let (dynamodb, secrets) = (DynamoDb::new(&config), SecretsManager::new(&config));
        Self { endpoint, queue_url, queue_arn, dead_letter_queue_url, table, sqs, dynamodb, secrets }
    }

    /// Stores a secret and gives its ARN.
    pub async fn secret(&self, value: &str) -> String {
        let name = format!("{}-{}", self.table, uuid::Uuid::new_v4().simple());
        let secret = self.secrets.create_secret().name(name).secret_string(value).send().await.unwrap();
        secret.arn.unwrap()
    }

    /// Keeps what has expired. The double deletes by its own clock, which is far ahead of a simulated one.
    pub async fn without_expiry(self) -> Self {
        let off = TimeToLiveSpecification::builder().enabled(false).attribute_name("expires_at").build();
        let request = self.dynamodb.update_time_to_live().table_name(&self.table);
        request.time_to_live_specification(off.unwrap()).send().await.unwrap();
        self
    }
}

/// The names that `CloudFormation` and SQS have in common.
const QUEUE_ATTRIBUTES: [Attribute; 4] = [
    Attribute::VisibilityTimeout,
    Attribute::MessageRetentionPeriod,
    Attribute::DelaySeconds,
    Attribute::ReceiveMessageWaitTimeSeconds,
];

async fn create_queue(sqs: &Sqs, name: &str, properties: &Value, dead_letter_arn: Option<&str>) -> String {
    let mut request = sqs.create_queue().queue_name(name);
    for attribute in QUEUE_ATTRIBUTES {
        if let Some(value) = template::text(&properties[attribute.as_str()]) {
            request = request.attributes(attribute, value);
        }
    }
    if let Some(arn) = dead_letter_arn {
        let most = template::text(&properties["RedrivePolicy"]["maxReceiveCount"]).expect("it is set");
        let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": most}).to_string();
        request = request.attributes(Attribute::RedrivePolicy, policy);
    }
    request.send().await.unwrap().queue_url.unwrap()
}

async fn arn(sqs: &Sqs, url: &str) -> String {
    let request = sqs.get_queue_attributes().queue_url(url).attribute_names(Attribute::QueueArn);
    request.send().await.unwrap().attributes.unwrap()[&Attribute::QueueArn].clone()
}

/// `CloudFormation` and `DynamoDB` write these alike, so they need no translation.
const TABLE_PROPERTIES: [&str; 4] =
    ["KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode"];

async fn create_table(endpoint: &str, name: &str) {
    let properties = template::table();
    let mut table: Map<String, Value> = TABLE_PROPERTIES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), properties.get(*name)?.clone())))
        .collect();
    table.insert("TableName".to_owned(), name.into());
    dynamodb(endpoint, "CreateTable", &table.into()).await;
    if let Some(expiry) = properties.get("TimeToLiveSpecification") {
        let request = json!({"TableName": name, "TimeToLiveSpecification": expiry});
        dynamodb(endpoint, "UpdateTimeToLive", &request).await;
    }
}

/// A request as it goes over the wire, but for a signature, which no double looks at.
async fn dynamodb(endpoint: &str, operation: &str, body: &Value) {
    let scope = format!("AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/dynamodb/aws4_request");
    let answer = loopback::client()
        .post(endpoint)
        .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
        .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
        .header(header::AUTHORIZATION, format!("{scope}, SignedHeaders=host, Signature=none"))
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{operation}: {status} {}", answer.text().await.unwrap_or_default());
}
