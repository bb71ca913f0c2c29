package vendors

import (
	"encoding/json"
	"net/http"
)

// answerJSON answers with a body in JSON.
func answerJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the fakes' own values always encode
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// answerOCI answers with the error body of the distribution API (OCI distribution-spec, "Error Codes").
func answerOCI(w http.ResponseWriter, status int, code, message string) {
	type item struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	answerJSON(w, status, map[string][]item{"errors": {{code, message}}})
}
