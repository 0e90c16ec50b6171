"""A Lambda function that does what its event says; an SQS event says it in the bodies."""

import http.client
import json
import os
import time

NEXT = "/2018-06-01/runtime/invocation/next"


def request(method, path, body=None):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.headers, answer.read()


def batch(records):
    print("took batch", flush=True)
    failed = []
    for record in records:
        first = record["attributes"]["ApproximateReceiveCount"] == "1"
        if record["body"] == "once" and first:
            failed.append(record["messageId"])
        elif record["body"] == "nonsense":
            failed.append("nobody")
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def obey(event, headers):
    told = event.get("do")
    print("took", told, flush=True)
    if told == "sleep":
        time.sleep(60)
    elif told == "exit":
        os._exit(3)
    elif told == "context":
        left = int(headers["lambda-runtime-deadline-ms"]) - time.time() * 1000
        arn = headers["lambda-runtime-invoked-function-arn"]
        return {"milliseconds": int(left), "arn": arn, "env": sorted(os.environ)}
    return event


while True:
    headers, body = request("GET", NEXT)
    event = json.loads(body)
    path = NEXT.replace("next", headers["lambda-runtime-aws-request-id"])
    if event.get("do") == "fail":
        error = {"errorType": "Told", "errorMessage": "as told"}
        request("POST", path + "/error", json.dumps(error))
    else:
        result = batch(event["Records"]) if "Records" in event else obey(event, headers)
        request("POST", path + "/response", json.dumps(result))
