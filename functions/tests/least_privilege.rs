//! Least privilege, proved: what the functions ask of AWS is what the template's policies allow their
//! roles, action by action and resource by resource, no less and no more.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use simulator::{Certificate, Options, Part};

use crate::{
    DRAIN, POLL,
    support::{
        doubles::{Double, Service, config},
        gateway::Gateway,
        lambda::Function,
        mapping::Fate,
        policy::{Permission, allowed, differences, in_force, list, of_services},
        proxy::{Call, Moment, Proxy, Reaction},
        template::template,
        web_identity,
        world::World,
    },
};

const CERTIFICATE: &str = include_str!("../../simulator/tests/data/test-certificate.pem");
const KEY: &str = include_str!("../../simulator/tests/data/test-certificate-key.pem");

const FEDERATED: &[&str] = &["Federated", "OwnKey", "Evented"];
const STORED: &[&str] = &["Stored", "OwnKey", "StoredUnderOwnKey", "Evented"];

/// The action that each operation needs (AWS's Service Authorization Reference). An operation that is
/// not here needs itself, which no policy names.
const ACTIONS: &[(&str, &str)] = &[
    ("DynamoDB.GetItem", "dynamodb:GetItem"),
    ("DynamoDB.BatchGetItem", "dynamodb:BatchGetItem"),
    ("DynamoDB.PutItem", "dynamodb:PutItem"),
    ("DynamoDB.Query", "dynamodb:Query"),
    // A transaction needs what its parts need, and nothing of its own.
    ("DynamoDB.TransactWriteItems.Put", "dynamodb:PutItem"),
    ("DynamoDB.TransactWriteItems.Update", "dynamodb:UpdateItem"),
    ("DynamoDB.TransactWriteItems.Delete", "dynamodb:DeleteItem"),
    ("DynamoDB.TransactWriteItems.ConditionCheck", "dynamodb:ConditionCheckItem"),
    ("SQS.SendMessage", "sqs:SendMessage"),
    ("SQS.SendMessageBatch", "sqs:SendMessage"),
    ("SQS.ReceiveMessage", "sqs:ReceiveMessage"),
    ("SQS.DeleteMessage", "sqs:DeleteMessage"),
    ("SQS.ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility"),
    ("SQS.GetQueueAttributes", "sqs:GetQueueAttributes"),
    ("SecretsManager.GetSecretValue", "secretsmanager:GetSecretValue"),
    ("STS.GetWebIdentityToken", "sts:GetWebIdentityToken"),
    ("SNS.GetTopicAttributes", "sns:GetTopicAttributes"),
    ("SNS.Publish", "sns:Publish"),
    ("Events.PutEvents", "events:PutEvents"),
    ("Lambda.GetAccountSettings", "lambda:GetAccountSettings"),
];

/// A deployment whose two functions reach AWS by proxies of their own.
struct Deployment {
    world: World,
    poll: (Function, Proxy),
    drain: (Function, Proxy),
    secret: String,
    topic: String,
    bus: String,
}

impl Deployment {
    async fn new(credential: &str, seed: u64) -> Self {
        let trust = |options: &mut Options| {
            options.certificates = vec![Certificate::from_pem(CERTIFICATE).unwrap()];
            options.federated_credentials = vec![web_identity::credential()];
        };
        let world = World::with(Service::shared(Double::Ministack), 40, seed, trust).await;
        let secret = match credential {
            "certificate" => world.stack.secret(&format!("{CERTIFICATE}{KEY}")).await,
            "secret" => world.env["GRAPH_CREDENTIAL_SECRET_ARN"].clone(),
            _ => String::new(),
        };
        let sns = aws_sdk_sns::Client::new(&config(&world.stack.endpoint).await);
        let topic = sns.create_topic().name(&world.stack.table).send().await.unwrap().topic_arn.unwrap();
        // A queue subscribes without confirming, which a mail address would have to.
        let queue = "arn:aws:sqs:eu-central-1:000000000000:subscriber";
        sns.subscribe().topic_arn(&topic).protocol("sqs").endpoint(queue).send().await.unwrap();
        let bus = world.stack.table.clone();
        let events = aws_sdk_eventbridge::Client::new(&config(&world.stack.endpoint).await);
        events.create_event_bus().name(&bus).send().await.unwrap();
        let function = async |name, binary| {
            let proxy = Proxy::before(&world.stack.endpoint).await;
            proxy.on_request(|moment, call| match (moment, call.operation.as_str()) {
                (Moment::Before, "STS.GetWebIdentityToken") => Reaction::Answer(web_identity::answer(call)),
                _ => Reaction::Pass,
            });
            let env = [
                ("AWS_ENDPOINT_URL", proxy.endpoint()),
                ("GRAPH_CREDENTIAL", credential.to_owned()),
                ("GRAPH_CREDENTIAL_SECRET_ARN", secret.clone()),
                ("NOTIFICATION_TOPIC_ARN", topic.clone()),
                ("EVENT_BUS_NAME", bus.clone()),
            ];
            let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
            (world.function(name, binary, &env), proxy)
        };
        let (poll, drain) = (function("poll", POLL).await, function("drain", DRAIN).await);
        Self { world, poll, drain, secret, topic, bus }
    }

    /// All that functions do: in report mode, then in enforce mode, with duplicates, with messages
    /// that nobody can read, that nobody knows and that come back, with a redrive and with the doctor.
    async fn do_everything(&self) {
        let (world, poll, drain) = (&self.world, &self.poll.0, &self.drain.0);
        let (mapping, limit) = (world.mapping(), Duration::from_mins(3));
        poll_to_the_end(poll).await;
        mapping.drain_with(&[drain], limit, |_| Fate::Twice).await;
        assert!(world.outcomes().await.values().any(|outcome| outcome == "would_roll_back"));
        for function in [poll, drain] {
            function.set_env("MODE", "enforce");
            function.restart();
        }
        poll_to_the_end(poll).await;
        let mut stranger = json!({ "schema": 1, "enqueued_at": "2026-03-01T00:00:00Z" });
        stranger["user_id"] = "99999999-9999-9999-9999-999999999999".into();
        stranger["run_id"] = "11111111-1111-1111-1111-111111111111".into();
        self.send("not JSON").await;
        self.send(&stranger.to_string()).await;
        mapping.drain(&[drain], limit).await;
        world.assert_safe();
        world.assert_as_expected(&world.outcomes().await);
        let redriven = ask(drain, "POST", "/dead-letters/redrive").await;
        assert_eq!(redriven, json!({ "redriven": 1, "unreadable": 1, "complete": true }));
        mapping.drain(&[drain], limit).await;
        self.send(r#"{ "schema": 2 }"#).await;
        let newer = mapping.receive().await;
        assert_eq!(mapping.deliver(&newer, drain).await.returned, 1);
        self.ask_everything().await;
        let checks = ask(poll, "GET", "/doctor").await;
        let bad = |check: &&Value| check["result"] == "missing";
        assert_eq!(checks.as_array().unwrap().iter().find(bad), None, "{checks}");
    }

    /// Every route of the API.
    async fn ask_everything(&self) {
        let gateway = Gateway::start(&[&self.poll.0], &[&self.drain.0]).await;
        let ask = async |method: &str, path: &str, body: Option<Value>| {
            let key = [("Idempotency-Key", "everything")];
            let (status, answer) = gateway.ask_with(method, path, body.as_ref(), &key).await;
            assert!(status < 300, "{method} {path}: {status} {answer}");
            answer
        };
        let id = |part| self.world.of(part).id;
        let reason = || Some(json!({ "reason": "everything" }));
        ask("POST", "/scans", None).await;
        ask("GET", "/status", None).await;
        ask("POST", "/brake/open", reason()).await;
        ask("POST", "/brake/release", reason()).await;
        let held = ask("GET", "/users?outcome=held", None).await;
        let event =
            held["entries"].as_array().unwrap().iter().find(|entry| entry["user_id"].is_null()).unwrap();
        let event = event["event_id"].as_str().unwrap();
        ask("POST", &format!("/events/{event}/release"), reason()).await;
        ask("POST", &format!("/users/{}/release", id(Part::Guest)), reason()).await;
        ask("GET", &format!("/users/{}", id(Part::Guest)), None).await;
        let user = json!({ "user_ids": [id(Part::NeverRegistered)], "reason": "everything" });
        ask("POST", "/rollbacks", Some(user)).await;
        let at = &self.world.env["PREVIEW_DISABLED_AT"];
        let registrations = [Part::NeverRegistered, Part::Guest]
            .map(|part| json!({ "user_id": id(part), "registered_at": at }));
        let (status, _) =
            gateway.ask("POST", "/rollbacks", Some(&json!({ "registrations": registrations }))).await;
        assert_eq!(status, 202);
    }

    async fn send(&self, body: &str) {
        let stack = &self.world.stack;
        stack.sqs.send_message().queue_url(&stack.queue_url).message_body(body).send().await.unwrap();
    }

    /// What was needed for these calls.
    fn needed(&self, calls: &[Call]) -> BTreeSet<Permission> {
        calls.iter().flat_map(|call| self.needed_for(call)).collect()
    }

    fn needed_for(&self, call: &Call) -> Vec<Permission> {
        let action = |operation: &str| {
            let found = ACTIONS.iter().find(|(known, _)| *known == operation);
            found.map_or_else(|| operation.to_owned(), |(_, action)| (*action).to_owned())
        };
        let Some(parts) = call.body["TransactItems"].as_array() else {
            let resource = call.resource.as_deref().map_or("*", |name| match call.operation.as_str() {
                // Its name is the table's in this test.
                "Events.PutEvents" if name == self.bus => "EventBusName",
                _ => self.logical_id(name),
            });
            return vec![Permission::new(&action(&call.operation), resource)];
        };
        let parts = parts.iter().flat_map(|part| part.as_object().unwrap());
        let needed = parts.map(|(kind, part)| {
            let table = self.logical_id(part["TableName"].as_str().unwrap());
            Permission::new(&action(&format!("{}.{kind}", call.operation)), table)
        });
        needed.collect()
    }

    fn logical_id<'a>(&self, name: &'a str) -> &'a str {
        let stack = &self.world.stack;
        let index = format!("{}/by_outcome", stack.table);
        let names = [
            (&stack.table, "Ledger"),
            (&index, "Ledger/by_outcome"),
            (&stack.queue_url, "Queue"),
            (&stack.dead_letter_queue_url, "DeadLetterQueue"),
            (&self.secret, "GraphCredentialSecretArn"),
            (&self.topic, "NotificationTopic"),
        ];
        names.iter().find(|(known, _)| *known == name).map_or(name, |(_, id)| id)
    }
}

async fn poll_to_the_end(poll: &Function) {
    let event = json!({ "source": "aws.scheduler" });
    loop {
        let answer = poll.invoke(&event).await.unwrap_or_else(|error| panic!("{error}\n{}", poll.logs()));
        if answer["complete"] == true {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn ask(function: &Function, method: &str, path: &str) -> Value {
    let answer = function.invoke(&json!({ "httpMethod": method, "path": path })).await.unwrap();
    assert_eq!(answer["statusCode"], 200, "{answer}");
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

async fn nothing_but_what_is_allowed(credential: &str, seed: u64, conditions: &[&str]) -> Deployment {
    let deployment = Deployment::new(credential, seed).await;
    deployment.do_everything().await;
    let mut found = Vec::new();
    for (function, (_, proxy)) in [("Poll", &deployment.poll), ("Drain", &deployment.drain)] {
        let needed = deployment.needed(&proxy.calls());
        found.extend(differences(template(), function, conditions, &needed));
    }
    assert!(found.is_empty(), "with the credential {credential}:\n{}", found.join("\n"));
    deployment
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_by_role_the_functions_need_what_they_are_allowed() {
    let deployment = nothing_but_what_is_allowed("federated", 21, FEDERATED).await;
    for (role, (_, proxy)) in [("PollRole", &deployment.poll), ("DrainRole", &deployment.drain)] {
        let statements =
            &template()["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
        let mut statements = list(statements).iter().filter_map(|statement| in_force(statement, FEDERATED));
        let sign_in = statements.find(|statement| statement["Action"] == "sts:GetWebIdentityToken").unwrap();
        let condition = &sign_in["Condition"];
        let calls = proxy.calls();
        let calls: Vec<_> = calls.iter().filter(|call| call.operation == "STS.GetWebIdentityToken").collect();
        assert!(!calls.is_empty(), "{role}");
        for call in calls {
            let audience = &condition["ForAllValues:StringEquals"]["sts:IdentityTokenAudience"];
            assert_eq!(call.body["Audience.member.1"], *audience);
            assert_eq!(call.body["SigningAlgorithm"], condition["StringEquals"]["sts:SigningAlgorithm"]);
            let seconds: u64 = call.body["DurationSeconds"].as_str().unwrap().parse().unwrap();
            assert!(seconds <= condition["NumericLessThanEquals"]["sts:DurationSeconds"].as_u64().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_by_certificate_the_functions_need_what_they_are_allowed() {
    nothing_but_what_is_allowed("certificate", 22, STORED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_by_secret_the_functions_need_what_they_are_allowed() {
    nothing_but_what_is_allowed("secret", 23, STORED).await;
}

/// The template with one thing in it changed: a statement, by resource and Sid.
fn changed(id: &str, sid: &str, change: impl FnOnce(&mut Value)) -> Value {
    fn statement<'a>(value: &'a mut Value, sid: &str) -> Option<&'a mut Value> {
        if value["Sid"] == sid {
            return Some(value);
        }
        match value {
            Value::Array(values) => values.iter_mut().find_map(|value| statement(value, sid)),
            Value::Object(values) => values.values_mut().find_map(|value| statement(value, sid)),
            _ => None,
        }
    }
    let mut template = template().clone();
    change(statement(&mut template["Resources"][id], sid).unwrap());
    template
}

/// What is found where exactly what is allowed now is needed.
fn found(template: &Value, function: &str, conditions: &[&str]) -> Vec<String> {
    let now = allowed(crate::support::template::template(), function, conditions);
    let needed = now.difference(&of_services(function)).cloned().collect();
    differences(template, function, conditions, &needed)
}

#[test]
fn an_action_too_many_or_too_few_is_found() {
    let more = changed("DrainRole", "Queue", |statement| {
        statement["Action"].as_array_mut().unwrap().push("sqs:PurgeQueue".into());
    });
    assert_eq!(found(&more, "Drain", STORED), ["Drain may sqs:PurgeQueue on Queue: never needed"]);
    assert_eq!(found(&more, "Poll", STORED), [""; 0]);
    let fewer = changed("PollRole", "Wake", |statement| statement["Action"] = json!([]));
    assert_eq!(found(&fewer, "Poll", STORED), ["Poll needs sqs:SendMessage on Queue: not allowed"]);
    let all = changed("DrainRole", "DeadLetters", |statement| statement["Action"] = "sqs:*".into());
    let all = found(&all, "Drain", FEDERATED);
    assert!(all.contains(&"Drain may sqs:* on DeadLetterQueue: never needed".to_owned()), "{all:?}");
    let mapping = changed("DrainRole", "Mapping", |statement| {
        statement["Action"].as_array_mut().unwrap().retain(|action| action != "sqs:ReceiveMessage");
    });
    let missing = ["Drain: a service needs sqs:ReceiveMessage on Queue: not allowed"];
    assert_eq!(found(&mapping, "Drain", STORED), missing);
}

#[test]
fn a_resource_that_is_wider_or_another_is_found() {
    let every = changed("PollRole", "Wake", |statement| statement["Resource"] = "*".into());
    let wider =
        ["Poll needs sqs:SendMessage on Queue: not allowed", "Poll may sqs:SendMessage on *: never needed"];
    assert_eq!(found(&every, "Poll", FEDERATED), wider);
    let other = changed("DrainRole", "DeadLetters", |statement| {
        statement["Resource"] = json!({ "Fn::GetAtt": ["ScheduleDeadLetterQueue", "Arn"] });
    });
    assert_eq!(found(&other, "Drain", FEDERATED).len(), 6, "three actions, each missing and spare");
    let ledgers = changed("BothFunctionsPolicy", "Ledger", |statement| {
        let arn = statement["Resource"]["Fn::Sub"].as_str().unwrap().replace("-ledger", "-*");
        statement["Resource"]["Fn::Sub"] = arn.into();
    });
    for function in ["Poll", "Drain"] {
        let found = found(&ledgers, function, FEDERATED).join("\n");
        assert!(found.contains("needs dynamodb:PutItem on Ledger: not allowed"), "{found}");
        assert!(found.contains("${AWS::StackName}-*\"}: never needed"), "{found}");
    }
}

#[test]
fn a_policy_or_a_credential_too_many_is_found() {
    let mut more = template().clone();
    let arn = "arn:aws:iam::aws:policy/AmazonSQSFullAccess";
    more["Resources"]["PollRole"]["Properties"]["ManagedPolicyArns"].as_array_mut().unwrap().push(arn.into());
    let spare = format!("Poll may all of a policy on \"{arn}\": never needed");
    assert_eq!(found(&more, "Poll", STORED), [spare]);
    let mut both = template().clone();
    let document = &mut both["Resources"]["BothFunctionsPolicy"]["Properties"]["PolicyDocument"];
    for statement in document["Statement"].as_array_mut().unwrap() {
        if statement["Fn::If"][0] == "Stored" {
            *statement = statement["Fn::If"][1].clone();
        }
    }
    let spare = "Drain may secretsmanager:GetSecretValue on GraphCredentialSecretArn: never needed";
    assert_eq!(found(&both, "Drain", FEDERATED), [spare]);
    assert_eq!(found(&both, "Drain", STORED), [""; 0]);
}

#[test]
fn an_operation_that_no_policy_names_is_found() {
    let mut needed = allowed(template(), "Poll", STORED);
    needed.insert(Permission::new("DynamoDB.Scan", "Ledger"));
    let missing = ["Poll needs DynamoDB.Scan on Ledger: not allowed"];
    assert_eq!(differences(template(), "Poll", STORED, &needed), missing);
}
