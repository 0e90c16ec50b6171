"""Deploys the packaged template to a double, without what the double does not have. Takes the parameters as JSON on
standard input, and prints the outputs and what each function is given."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3

ROOT = Path(__file__).resolve().parents[3]
STACK, BUCKET, PREFIX = "mfa-rollback", "code", "first/"


def client(service):
    return boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


s3, cloudformation, functions = client("s3"), client("cloudformation"), client("lambda")
s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]})
for archive in ["poll-arm64.zip", "drain-arm64.zip"]:
    # The programs run beside the double, in their own runtime.
    s3.put_object(Bucket=BUCKET, Key=PREFIX + archive, Body=archive.encode())
with tempfile.TemporaryDirectory() as folder:
    packaged, stripped = Path(folder) / "packaged.yaml", Path(folder) / "stripped.yaml"
    subprocess.run([sys.executable, ROOT / "infra/package.py", packaged], check=True)
    subprocess.run([sys.executable, ROOT / "infra/strip_for_double.py", packaged, stripped], check=True)
    s3.put_object(Bucket=BUCKET, Key="template.yaml", Body=stripped.read_bytes())
    given = json.load(sys.stdin) | {"CodeBucket": BUCKET, "CodePrefix": PREFIX}
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=f"{os.environ['AWS_ENDPOINT_URL']}/{BUCKET}/template.yaml",
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )
cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
outputs = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
print(json.dumps({
    "outputs": {output["OutputKey"]: output["OutputValue"] for output in outputs},
    "environments": {
        name: functions.get_function_configuration(FunctionName=f"{STACK}-{name}", Qualifier="live")["Environment"]["Variables"]
        for name in ["poll", "drain"]
    },
}))
