package rest

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

// maxForm is the most bytes that a login form may have.
const maxForm = 64 << 10

// sessionTime is how the protocol writes times in sessions.
const sessionTime = "2006-01-02 15:04:05.000000-07:00"

func sessionMethods() methods {
	return reads(getSession, methods{
		http.MethodPost:   {login, "log in"},
		http.MethodPut:    {extendSession, "extend session"},
		http.MethodDelete: {logout, "log out"},
	})
}

// sessionDocument is a session as clients see it (rest-api §13).
type sessionDocument struct {
	Client      clientDocument `json:"client"`
	Attributes  []attribute    `json:"attributes"`
	Since       string         `json:"since"`
	Expires     string         `json:"expires"`
	Remaining   int64          `json:"seconds_remaining"`
	VaryHeaders []string       `json:"vary_headers"`
	Tracking    *string        `json:"tracking"`
}

type clientDocument struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
	FullName    string `json:"full_name,omitempty"`
	Email       string `json:"email,omitempty"`
	// Identities are as a sister service wrote them.
	Identities json.RawMessage `json:"identities,omitempty"`
}

type attribute struct {
	ID          string `json:"id"`
	DisplayName string `json:"display_name"`
}

func (x *exchange) sendSession(session *account.Session) error {
	expires := session.Expires
	if expires.IsZero() {
		expires = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)
	}
	doc := sessionDocument{
		Client: clientDocument{
			ID: session.Client.ID, DisplayName: cmp.Or(session.Client.DisplayName, session.Client.ID),
			FullName: session.FullName, Email: session.Email, Identities: session.Identities,
		},
		Attributes:  []attribute{},
		Since:       session.Since.UTC().Format(sessionTime),
		Expires:     expires.UTC().Format(sessionTime),
		Remaining:   max(0, expires.Unix()-time.Now().Unix()),
		VaryHeaders: []string{"cookie", "authorization"},
	}
	for _, role := range session.Client.Roles {
		doc.Attributes = append(doc.Attributes, attribute{role, cmp.Or(session.RoleNames[role], role)})
	}
	x.header().Set("Cache-Control", "no-store")
	return x.sendJSON(http.StatusOK, doc)
}

func noSession() error {
	return store.NewError(store.NotFound, "", "There is no session.")
}

func getSession(x *exchange) error {
	session := identityOf(x.ctx()).session
	if session == nil {
		return noSession()
	}
	return x.sendSession(session)
}

func extendSession(x *exchange) error {
	who := identityOf(x.ctx())
	if who.session == nil {
		return noSession()
	}
	session, err := who.from.Extend(x.ctx(), who.credentials)
	if err != nil {
		return err
	}
	if session == nil {
		return noSession()
	}
	return x.sendSession(session)
}

func login(x *exchange) error {
	logins := x.server.cfg.logins()
	if logins == nil {
		return store.NewError(store.Denied, "", "Logins are not made here.")
	}
	if identityOf(x.ctx()).session != nil {
		return store.NewError(store.Conflict, "", "There is a session already.")
	}
	form, err := x.form()
	if err != nil {
		return err
	}
	if !form.Has("username") || !form.Has("password") {
		return malformed("A login needs the parameters username and password.")
	}
	name := form.Get("username")
	if err := x.server.logins.take(recordOf(x.ctx()).remote, name); err != nil {
		return err
	}
	session, err := logins.Login(x.ctx(), name, form.Get("password"))
	if err != nil {
		return err
	}
	x.server.logins.giveBack(recordOf(x.ctx()).remote, name)
	recordOf(x.ctx()).client = session.Client.ID
	x.setCookie(session.Secret, 0)
	return x.sendSession(session)
}

// form reads the fields of a form from the body.
func (x *exchange) form() (url.Values, error) {
	if !isType(x.c.Request.Header, "application/x-www-form-urlencoded") {
		return nil, malformed("A login is sent as application/x-www-form-urlencoded.")
	}
	text, err := x.small(maxForm)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, malformed("The form cannot be read.")
	}
	return form, nil
}

// small reads a body of at most limit bytes.
func (x *exchange) small(limit int64) ([]byte, error) {
	return io.ReadAll(recordOf(x.ctx()).transfer.body.limited(limit))
}

func logout(x *exchange) error {
	status := http.StatusNotFound
	if who := identityOf(x.ctx()); who.session != nil {
		ended, err := who.from.End(x.ctx(), who.credentials)
		if err != nil {
			return err
		}
		if ended {
			status = http.StatusOK
		}
	}
	x.setCookie("", -1)
	next := x.c.Request.URL.Query().Get("logout_url")
	if next == "" {
		next = x.server.cfg.LogoutURL
	}
	x.header().Set("Cache-Control", "no-store")
	return x.sendJSON(status, map[string]string{"logout_url": next})
}

// setCookie sets the session cookie; a negative age takes it away.
func (x *exchange) setCookie(value string, age int) {
	http.SetCookie(x.c.Writer, &http.Cookie{
		Name:     x.server.cfg.Cookie,
		Value:    value,
		Path:     "/",
		MaxAge:   age,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		Secure:   x.server.cfg.SecureCookie || x.server.secure(x.c.Request),
	})
}

type formField struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type loginForm struct {
	Method string      `json:"method"`
	Action string      `json:"action"`
	Fields []formField `json:"input_fields"`
}

type preauthDocument struct {
	Type string    `json:"authentication-type"`
	Form loginForm `json:"login_form"`
}

// preauth tells clients how to log in.
func preauth(x *exchange) error {
	if x.server.cfg.logins() == nil {
		if x.server.cfg.LoginURL == "" {
			return store.NewError(store.NotFound, "", "Logins are not made here.")
		}
		return x.sendJSON(http.StatusOK, map[string]string{"redirect_url": x.server.cfg.LoginURL})
	}
	return x.sendJSON(http.StatusOK, preauthDocument{
		Type: "database",
		Form: loginForm{
			Method: "post", Action: sessionPath,
			Fields: []formField{{"text", "username"}, {"password", "password"}},
		},
	})
}

// discovery has nothing to tell but is asked for.
func discovery(x *exchange) error { return x.sendJSON(http.StatusOK, struct{}{}) }
