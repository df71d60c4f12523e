#!/usr/bin/env bash
# The story that a person would type, each command printed before its output. Runs inside the cluster's network; see
# run.sh. On the embedded cluster the controller lives in kube-system under its usual names; on a cluster that exists it
# gets a namespace of its own, sees nothing else, and is removed at the end.
set -euo pipefail
cd "$DEMO_WORK"

bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
# Prints a command as a person would type it, then runs it.
run() {
    printf '%s$ %s%s\n' "$dim" "$1" "$plain"
    bash -o pipefail -c "$1"
}
fail() {
    printf '\ndemo: %s\n' "$*" >&2
    [ ! -s controller.log ] || { printf -- '--- controller log ---\n' && tail -n 30 controller.log; } >&2
    exit 1
}
# Repeats a quiet check for at most half a minute.
wait_until() {
    local what=$1 deadline=$((SECONDS + 30))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "gave up waiting for $what"
        sleep 0.2
    done
}

if [ -n "${CLUSTER_EXTERNAL:-}" ]; then
    own=sealed-secrets-demo app=sealed-secrets-demo address=127.0.0.1
else
    own=kube-system app=shop address=$CLUSTER_ADDRESS
fi
controller=
finish() {
    status=$?
    [ -z "$controller" ] || { kill "$controller" 2>/dev/null && wait "$controller" 2>/dev/null; } || true
    if [ -n "${CLUSTER_EXTERNAL:-}" ]; then
        kubectl delete namespace "$own" --ignore-not-found --wait=false >/dev/null
        kubectl delete clusterrolebinding "$own" --ignore-not-found >/dev/null
    fi
    exit "$status"
}
trap finish EXIT

say "Installing the CustomResourceDefinition, the roles and the Service"
if [ -n "${CLUSTER_EXTERNAL:-}" ]; then
    kubectl get crd sealedsecrets.bitnami.com >/dev/null 2>&1 || run "kubectl apply -f $DEMO_MANIFESTS/crd.yaml"
    run "kubectl create namespace $own"
    sed "s/namespace: kube-system/namespace: $own/; /^kind: ClusterRoleBinding/,/^roleRef/s/name: .*/name: $own/" \
        "$DEMO_MANIFESTS/rbac.yaml" | kubectl apply -f - >/dev/null
else
    # The Deployment among them makes no Pod: nothing here runs Pods. The controller is started below.
    run "kubectl apply -f $DEMO_MANIFESTS/controller.yaml"
    run "kubectl create namespace $app"
fi
wait_until "the SealedSecret resource" kubectl get sealedsecrets -n "$app"

say "Starting the controller under its own ServiceAccount"
(umask 077 && kubectl create token sealed-secrets-controller -n "$own" >token)
options=(--listen-addr="$address:8080" --listen-metrics-addr="$address:8081")
if [ -n "${CLUSTER_EXTERNAL:-}" ]; then
    # Not a Pod: a kubeconfig with the ServiceAccount's token, and the certificate straight from the process.
    (umask 077 && kubectl config view --raw --minify --flatten >controller.kubeconfig)
    KUBECONFIG=controller.kubeconfig kubectl config set-credentials controller --token="$(cat token)" >/dev/null
    KUBECONFIG=controller.kubeconfig kubectl config set-context --current --user=controller >/dev/null
    KUBECONFIG=controller.kubeconfig POD_NAMESPACE=$own \
        controller --all-namespaces=false "${options[@]}" >controller.log 2>&1 &
    controller=$!
    certificate="--cert http://$address:8080/v1/cert.pem"
else
    "$CLUSTER_BIN" pod --namespace "$own" --serviceaccount sealed-secrets-controller --token-file token -- \
        controller "${options[@]}" >controller.log 2>&1 &
    controller=$!
    certificate=
    # No kubelet runs here, so the demo itself says where the controller is; the API server's proxy wants a Pod for it.
    kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: sealed-secrets-controller, namespace: $own, labels: {name: sealed-secrets-controller}}
spec: {containers: [{name: controller, image: sealed-secrets-controller}]}
YAML
    kubectl patch pod sealed-secrets-controller -n "$own" --subresource=status --type=merge -p \
        "{\"status\":{\"phase\":\"Running\",\"podIP\":\"$address\",\"podIPs\":[{\"ip\":\"$address\"}]}}" >/dev/null
    kubectl apply -f - >/dev/null 2>&1 <<YAML
apiVersion: v1
kind: Endpoints
metadata: {name: sealed-secrets-controller, namespace: $own}
subsets:
- addresses: [{ip: $address, targetRef: {kind: Pod, name: sealed-secrets-controller, namespace: $own}}]
  ports: [{port: 8080}]
YAML
fi
alive() { kill -0 "$controller" && kubeseal --fetch-cert $certificate; }
wait_until "the controller" alive
run "tail -n 3 controller.log | cut -c 1-160"

say "Fetch the certificate: anybody may have it, it only seals"
run "kubeseal --fetch-cert $certificate >cert.pem && head -n 2 cert.pem"

say "Create a Secret, on the laptop only"
run "kubectl create secret generic db -n $app --from-literal=user=admin --from-literal=password=s3cret --dry-run=client -o yaml >secret.yaml"
run "cat secret.yaml"

say "Seal it, and look at what may be committed to Git"
run "kubeseal --cert cert.pem -f secret.yaml -w sealed.yaml"
run "cut -c 1-100 sealed.yaml"

say "Apply it, and see the Secret appear"
run "kubectl apply -f sealed.yaml"
run "kubectl wait -n $app --for=condition=Synced sealedsecret/db --timeout=30s"
run "kubectl get -n $app sealedsecrets,secrets"
run "kubectl get secret db -n $app -o jsonpath='{.data}' && echo"
same() { kubectl get secret db -n "$app" -o "jsonpath={.data}"; }
[ "$(same)" = '{"password":"czNjcmV0","user":"YWRtaW4="}' ] || fail "the Secret differs from the original"
echo "The same as the original."

say "Change a value"
run "kubectl create secret generic db -n $app --from-literal=user=admin --from-literal=password=n3w --dry-run=client -o yaml | kubeseal --cert cert.pem -o yaml >sealed.yaml && kubectl apply -f sealed.yaml"
changed() { [ "$(kubectl get secret db -n "$app" -o 'jsonpath={.data.password}')" = bjN3 ]; }
wait_until "the changed value" changed
run "kubectl get secret db -n $app -o jsonpath='{.data.password}' | base64 -d && echo"

say "Rename it without sealing it again: refused, because the values are bound to their name"
run "sed 's/name: db/name: stolen/' sealed.yaml | kubectl apply -f -"
refused() { kubectl get sealedsecret stolen -n "$app" -o 'jsonpath={.status.conditions[0].message}' | grep .; }
wait_until "the refusal" refused
run "kubectl get -n $app sealedsecrets"
run "kubectl get sealedsecret stolen -n $app -o jsonpath='{range .status.conditions[*]}{.type}={.status}: {.message}{\"\\n\"}{end}'"
run "kubectl get secret stolen -n $app --ignore-not-found"

say "Back up the sealing key: whoever has it can open everything, so keep it as safe as the Secrets"
run "umask 077; kubectl get secret -n $own -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml >backup.yaml && grep -c 'tls.key:' backup.yaml"

if [ -n "${KEEP:-}" ]; then
    say "The cluster stays up until you press Ctrl-C. In another terminal:"
    if [ -n "${CLUSTER_EXTERNAL:-}" ]; then
        printf '  export KUBECONFIG=%s PATH=%s:$PATH\n' "$KUBECONFIG" "$DEMO_WORK/bin"
    else
        printf '  %s exec --dir %s -- bash\n' "$CLUSTER_BIN" "$CLUSTER_DIR"
        printf '  export PATH=%s:$PATH\n' "$DEMO_WORK/bin"
    fi
    printf '  cd %s && kubectl get sealedsecrets -n %s\n' "$DEMO_WORK" "$app"
    trap 'exit 0' INT TERM
    wait "$controller" || fail "the controller ended"
fi
[ -z "${CLUSTER_EXTERNAL:-}" ] || echo "The CustomResourceDefinition stays, everything else of the demo goes."
say "Done."
