package problem

import "encoding/json"

func (p page) json() []byte {
	body, err := json.Marshal(struct {
		Status    int      `json:"status"`
		Title     string   `json:"title"`
		Detail    string   `json:"detail,omitempty"`
		Hint      string   `json:"hint,omitempty"`
		List      []string `json:"list,omitempty"`
		RequestID string   `json:"request_id,omitempty"`
	}{p.Status, p.Title, p.Detail, p.Hint, p.List, p.RequestID})
	if err != nil {
		return []byte("{}\n") // cannot happen: an int and strings
	}
	return append(body, '\n')
}
