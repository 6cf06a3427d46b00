#!/usr/bin/env bash
# Run by LocalStack once it is ready: the bucket that a deployment uploads to.
awslocal s3 mb s3://mandate-artefacts
