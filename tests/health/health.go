// Package health asks the GitOps tools themselves what they make of a SealedSecret: Argo CD by the rule that it ships,
// and kstatus, which is what Flux, kpt and others go by.
package health

import (
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-cd/v3/resource_customizations"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Verdict is what the tools say of one object.
type Verdict struct {
	ArgoCD  string
	KStatus string
}

// rule is where Argo CD keeps what it knows about SealedSecrets.
const rule = "bitnami.com/SealedSecret/health.lua"

// Judge asks both about one object.
func Judge(object map[string]any) (Verdict, error) {
	argo, err := argoCD(object)
	if err != nil {
		return Verdict{}, fmt.Errorf("Argo CD: %w", err)
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: object})
	if err != nil {
		return Verdict{}, fmt.Errorf("kstatus: %w", err)
	}
	return Verdict{ArgoCD: argo, KStatus: result.Status.String()}, nil
}

// argoCD does what Argo CD does around its rules: what is being deleted is not asked about.
func argoCD(object map[string]any) (string, error) {
	if (&unstructured.Unstructured{Object: object}).GetDeletionTimestamp() != nil {
		return "Progressing", nil
	}
	script, err := resource_customizations.Embedded.ReadFile(rule)
	if err != nil {
		return "", err
	}
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("obj", value(state, object))
	if err := state.DoString(string(script)); err != nil {
		return "", err
	}
	verdict, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", fmt.Errorf("the rule gave %s", state.Get(-1).Type())
	}
	return verdict.RawGetString("status").String(), nil
}

// value turns decoded JSON into what a Lua script sees.
func value(state *lua.LState, decoded any) lua.LValue {
	switch decoded := decoded.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range decoded {
			table.RawSetString(key, value(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range decoded {
			table.Append(value(state, item))
		}
		return table
	case string:
		return lua.LString(decoded)
	case bool:
		return lua.LBool(decoded)
	case float64:
		return lua.LNumber(decoded)
	case int64:
		return lua.LNumber(decoded)
	case json.Number:
		number, _ := decoded.Float64()
		return lua.LNumber(number)
	default:
		return lua.LNil
	}
}
