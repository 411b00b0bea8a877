import './expression-field.css'

/** An expression as it stands, to be read. */
export const ExpressionText = ({ text }: { text: string }) => (
  <pre className="expression-text">{text}</pre>
)
