//! The stack of `template.yaml`, deployed to a double: the functions do the main job with just what it gives them.

#![expect(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{
    DRAIN, POLL,
    support::{
        REGION,
        doubles::{Double, Service, aws_env},
        gateway::Gateway,
        lambda::Function,
        python::python,
        template::template,
        world::World,
    },
};

/// What the simulated tenant has of its own: its hosts speak plain http, which no parameter takes.
const OF_THE_TENANT: [&str; 2] = ["AZURE_AUTHORITY_HOST", "GRAPH_ENDPOINT"];

/// The parameters that give the functions a world's settings.
fn parameters(world: &World) -> Map<String, Value> {
    let variables = &template()["Globals"]["Function"]["Environment"]["Variables"];
    let of_template = |name: &str| template()["Parameters"].get(name).is_some();
    let given = world.env.iter().filter(|(name, _)| !OF_THE_TENANT.contains(&name.as_str()));
    let given = given.filter_map(|(name, value)| {
        let parameter = variables[name]["Ref"].as_str().filter(|parameter| of_template(parameter))?;
        Some((parameter.to_owned(), json!(value)))
    });
    let more = [
        ("Mode", "enforce"),
        ("ApplicationLogLevel", "DEBUG"),
        ("NotificationEmail", "team@contoso.example"),
    ];
    given.chain(more.map(|(name, value)| (name.to_owned(), json!(value)))).collect()
}

/// Deploys with these parameters; what comes of it.
fn deploy(service: &Service, parameters: &Map<String, Value>) -> Value {
    let mut command = Command::new(python());
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/deploy.py"));
    command.envs(aws_env(&service.endpoint())).env("AWS_DEFAULT_REGION", REGION);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut deploying = command.spawn().unwrap();
    let parameters = Value::Object(parameters.clone()).to_string();
    deploying.stdin.take().unwrap().write_all(parameters.as_bytes()).unwrap();
    let output = deploying.wait_with_output().unwrap();
    assert!(output.status.success(), "the deployment fails");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_of_a_deployed_stack_do_the_main_job() {
    let service = Service::start(Double::Ministack);
    let mut world = World::new(&service, 40, 81).await;
    let deployed = deploy(&service, &parameters(&world));
    let output =
        |name: &str| deployed["outputs"][name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
    world.stack.queue_url = output("QueueUrl");
    world.stack.dead_letter_queue_url = output("DeadLetterQueueUrl");
    world.stack.table = output("LedgerTable");
    let function = |name: &str, binary: &str| {
        let given = deployed["environments"][name].as_object().unwrap();
        let mut env: BTreeMap<String, String> =
            given.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        env.extend(OF_THE_TENANT.map(|name| (name.to_owned(), world.env[name].clone())));
        env.extend(aws_env(&service.endpoint()));
        env.insert("AWS_LAMBDA_LOG_FORMAT".to_owned(), "JSON".to_owned());
        Function::new(name, binary, env)
    };
    let (poll, drain) = (function("poll", POLL), function("drain", DRAIN));

    let found = loop {
        let answer = poll.invoke(&json!({ "source": "aws.scheduler" })).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}\n{}", poll.logs()));
        if answer["complete"] == true {
            break answer;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    assert!(found["candidates"].as_u64() > Some(0), "{found}");
    let send = world.stack.sqs.send_message().queue_url(&world.stack.queue_url);
    send.message_body("not JSON").send().await.unwrap();
    world.mapping().drain(&[&drain], Duration::from_mins(3)).await;
    world.assert_safe();
    world.assert_as_expected(&world.outcomes().await);
    let dead: Vec<String> = world.dead_letters().await.into_iter().map(|(body, _)| body).collect();
    assert_eq!(dead, ["not JSON"]);

    let gateway = Gateway::start(&[&poll], &[&drain]).await;
    let (status, told) = gateway.ask("GET", "/status", None).await;
    assert_eq!((status, &told["mode"]), (200, &json!("enforce")), "{told}");
    let (status, checks) = gateway.ask("GET", "/doctor", None).await;
    let missing = |check: &&Value| check["result"] == "missing";
    assert_eq!((status, checks.as_array().unwrap().iter().find(missing)), (200, None), "{checks}");
}
