#!/bin/sh
# Writes rules.yaml anew, from the alerts in deploy/prometheus: kustomize can't put a file into an object.
set -eu
cd "$(dirname "$0")"
{
  sed '/^  groups:/,$d' rules.yaml
  sed '/^#/d; s/^./  &/' ../../prometheus/rules.yaml
} > rules.yaml.new
mv rules.yaml.new rules.yaml
